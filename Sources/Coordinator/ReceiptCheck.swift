internal import BackupProtocol
internal import Pump

/// Holds what an archive says against its receipt.
struct ReceiptCheck {
  let receipt: Receipt?

  /// The archive must list exactly the receipt's streams.
  func accept(_ streams: [StreamDescription]) throws(LaneFailure) {
    guard let receipt else { return }
    for expected in receipt.streams {
      guard let stream = streams.first(where: { $0.name == expected.name }) else {
        throw .archive(stream: expected.name, "is missing, though its receipt lists it")
      }
      guard stream.kind == expected.kind, stream.size == expected.size else {
        throw .archive(stream: expected.name, "is not of the size or kind its receipt says")
      }
    }
    for stream in streams where !receipt.streams.contains(where: { $0.name == stream.name }) {
      throw .archive(stream: stream.name, "is not in the receipt")
    }
  }

  /// Whether every stream that was read has a digest here, to which ``check(_:_:)`` held it.
  func proves(_ streams: [StreamSummary]) -> Bool {
    guard let receipt else { return false }
    return streams.allSatisfy { stream in
      receipt.streams.contains {
        $0.name == stream.name && $0.digest.algorithm == .treeSHA256
      }
    }
  }

  /// A stream that was read must have the digest of the receipt.
  ///
  /// - Returns: Whether there is one.
  @discardableResult
  func check(_ stream: StreamDescription, _ digest: Digest) throws(LaneFailure) -> Bool {
    guard let expected = receipt?.streams.first(where: { $0.name == stream.name })?.digest,
      expected.algorithm == .treeSHA256
    else { return false }
    guard expected == digest else {
      throw .archive(stream: stream.name, "does not have the digest of its receipt: it is damaged")
    }
    return true
  }
}
