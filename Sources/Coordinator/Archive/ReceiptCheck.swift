package import BackupProtocol
package import Pump

/// Compares an archive with its receipt.
package struct ReceiptCheck {
  private let receipt: Receipt?

  /// - Parameter receipt: `nil` accepts everything and proves nothing.
  package init(receipt: Receipt?) { self.receipt = receipt }

  /// The archive must list exactly the receipt's streams.
  package func accept(_ streams: [StreamDescription]) throws(LaneFailure) {
    guard let receipt else { return }
    for expected in receipt.streams {
      guard let stream = streams.first(where: { $0.name == expected.name }) else {
        throw .archive(stream: expected.name, "is missing, although the receipt lists it")
      }
      guard stream.kind == expected.kind, stream.size == expected.size,
        stream.isIncremental == expected.isIncremental
      else {
        throw .archive(stream: expected.name, "differs in size or kind from the receipt")
      }
    }
    for stream in streams where !receipt.streams.contains(where: { $0.name == stream.name }) {
      throw .archive(stream: stream.name, "is not in the receipt")
    }
  }

  /// Whether every stream that was read has a digest here, which ``check(_:_:)`` compared.
  func proves(_ streams: [StreamSummary]) -> Bool {
    guard let receipt else { return false }
    return streams.allSatisfy { stream in
      receipt.streams.contains {
        $0.name == stream.name && $0.digest.algorithm.isComputedHere
      }
    }
  }

  /// A stream that was read must have the digest of the receipt.
  ///
  /// - Returns: Whether there is one.
  @discardableResult
  package func check(_ stream: StreamDescription, _ digest: Digest) throws(LaneFailure) -> Bool {
    guard let expected = receipt?.streams.first(where: { $0.name == stream.name })?.digest,
      expected.algorithm.isComputedHere
    else { return false }
    guard expected == digest else {
      throw .archive(stream: stream.name, "is damaged: its digest differs from the receipt")
    }
    return true
  }
}
