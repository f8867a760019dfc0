package import ArchiveBytes
package import BackupProtocol

/// Takes what a reader delivers, and holds it against the rules of a sink.
package final class CheckingSink: ClusterSink {
  package let pieceBytesMax = 4 * 65536
  /// Bytes that were lost; without ``keepsDamage`` there are none.
  package private(set) var lostBytes: UInt64 = 0
  private let keepsDamage: Bool
  /// Bytes that came.
  package private(set) var byteCount: UInt64 = 0
  private var dataBytes = 0
  private let most: UInt64
  private let dataBytesMax: Int
  private let take: (UnsafeRawBufferPointer, borrowing Span<BlockMask>) -> Void
  // libFuzzer calls on one thread.
  nonisolated(unsafe) private static let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: 4 * 65536, alignment: 4096)

  /// - Parameters:
  ///   - most: Bytes that may come.
  ///   - dataBytesMax: Of pieces; more is enough for one input, and an error.
  ///   - keepsDamage: Takes what is lost, as a salvage does.
  ///   - take: Gets each piece, whose bytes were 0xEE before, and its masks.
  package init(
    most: UInt64 = .max, dataBytesMax: Int = .max, keepsDamage: Bool = false,
    take: @escaping (UnsafeRawBufferPointer, borrowing Span<BlockMask>) -> Void = { _, _ in }
  ) {
    self.most = most
    self.dataBytesMax = dataBytesMax
    self.keepsDamage = keepsDamage
    self.take = take
  }

  package func zeros(_ count: UInt64, _ kind: Extent.Kind) throws(ArchiveError) {
    precondition(kind != .data, "zeros that are data")
    add(count)
  }

  package func data(
    _ count: Int, masks: Span<BlockMask>,
    _ fill: (inout MutableRawSpan) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    precondition((1...pieceBytesMax).contains(count), "a bad piece")
    precondition(masks.count == Cluster.count(in: count), "masks that do not fit")
    for block in 0..<(16 * masks.count) where masks[block >> 4][block & 15] {
      precondition(block * 4096 < count, "a mask behind the end")
    }
    dataBytes += count
    guard dataBytes <= dataBytesMax else {
      throw ArchiveError(.tooLarge, "enough for one input")
    }
    let piece = UnsafeMutableRawBufferPointer(rebasing: Self.memory[..<count])
    piece.initializeMemory(as: UInt8.self, repeating: 0xEE)
    var span = MutableRawSpan(_unsafeBytes: piece)
    try fill(&span)
    take(UnsafeRawBufferPointer(piece), masks)
    add(UInt64(count))
  }

  package func damaged(_ count: UInt64, _ reason: String) throws(ArchiveError) {
    guard keepsDamage else { throw .corrupt(reason) }
    precondition(!reason.isEmpty, "a loss without a word")
    lostBytes += count
    add(count)
  }

  private func add(_ count: UInt64) {
    precondition(count > 0 && byteCount % 65536 == 0, "nothing, or inside a cluster")
    precondition(count <= most - byteCount, "more than there can be")
    byteCount += count
  }
}
