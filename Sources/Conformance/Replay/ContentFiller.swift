internal import BackupProtocol
internal import Hashing

/// Makes bytes for those that a recording leaves out: the same in every run, and zeros where a mask
/// says so; and the digest of a stream that has such bytes.
struct ContentFiller {
  private var digests: [UInt32: StreamDigest] = [:]
  /// Streams of which bytes were made here.
  private var made: Set<UInt32> = []

  /// The bytes of a DATA.
  ///
  /// - Parameter recorded: What the recording has of them; `nil` if it left them out.
  mutating func bytes(
    of frame: RecordedFrame, _ data: DataFrame, recorded: [UInt8]?
  ) -> [UInt8] {
    let stream = frame.header.stream
    var bytes = recorded ?? []
    if recorded == nil {
      made.insert(stream)
      bytes = noise(of: frame, data)
    }
    digest(of: stream).add(bytes)
    return bytes
  }

  private mutating func digest(of stream: UInt32) -> StreamDigest {
    if let known = digests[stream] { return known }
    let digest = StreamDigest()
    digests[stream] = digest
    return digest
  }

  private func noise(of frame: RecordedFrame, _ data: DataFrame) -> [UInt8] {
    var bytes = Bytes.noise(
      Int(data.length), seed: UInt64(frame.header.stream) << 48 ^ data.offset &+ 1)
    let blockBytes = Int(Block.bytes)
    for block in 0..<Block.count(in: bytes.count) {
      let mask = frame.mask(block / Cluster.blocks, data)
      guard !mask[block % Cluster.blocks] else { continue }
      Bytes.clear(&bytes, block * blockBytes..<min((block + 1) * blockBytes, bytes.count))
    }
    return bytes
  }

  /// A ZERO passes.
  mutating func pass(_ frame: RecordedFrame) {
    let zero = try? Bytes.parse(frame.payload) { payload throws(WireError) in
      try ZeroFrame(parsing: payload)
    }
    guard frame.type == .zero, let zero else { return }
    let stream = frame.header.stream
    if zero.kind == .unchanged {
      digest(of: stream).tree.updateUnchanged(zero.length)
    } else {
      digest(of: stream).tree.updateZeros(zero.length)
    }
  }

  /// Puts the digest of what was sent into a CLOSE, if that is not what was recorded.
  mutating func correct(_ frame: inout RecordedFrame) {
    let stream = frame.header.stream
    let close = try? Bytes.parse(frame.payload) { payload throws(WireError) in
      try CloseFrame(parsing: payload)
    }
    guard frame.type == .close, made.contains(stream), let close, close.digest != .none else {
      return
    }
    let bytes = digest(of: stream).tree.finish()
    frame.payload.replaceSubrange((frame.payload.count - bytes.count)..., with: bytes)
  }
}

/// The digest of what was sent of one stream.
private final class StreamDigest {
  var tree = TreeDigest()

  func add(_ bytes: [UInt8]) { unsafe tree.update(bytes.span.bytes) }
}
