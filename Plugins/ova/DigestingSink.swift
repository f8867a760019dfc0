import ArchiveBytes
import ArchiveFiles
import WriterKit

/// The kit's sink, and what went through it as digests.
final class DigestingSink: ClusterSink {
  private let inner: PieceSink
  private var tree = TreeDigest()
  /// Of the whole stream; made of configurations only, for it cannot skip zeros.
  private var hash = SHA256()
  private let isHashed: Bool

  init(_ sink: ReadSink, isHashed: Bool) {
    inner = PieceSink(sink)
    self.isHashed = isHashed
  }

  var pieceBytesMax: Int { inner.pieceBytesMax }

  func zeros(_ count: UInt64, _ kind: Extent.Kind) throws(ArchiveError) {
    tree.updateZeros(count)
    if isHashed { hash.updateZeros(count) }
    try inner.zeros(count, kind)
  }

  func data(
    _ count: Int, masks: Span<BlockMask>,
    _ fill: (inout MutableRawSpan) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    try inner.data(count, masks: masks) { span throws(ArchiveError) in
      try fill(&span)
      tree.update(span.bytes)
      if isHashed { hash.update(span.bytes) }
    }
  }

  /// All bytes went through.
  func finish() -> StreamDigests {
    StreamDigests(
      tree: Digest(algorithm: .treeSHA256, bytes: tree.finish()),
      sha256: isHashed ? hash.finish() : nil)
  }
}

/// What a stream was that was read.
struct StreamDigests {
  let tree: Digest
  let sha256: [UInt8]?
}
