/// The runs of blocks that a mask has, as bytes of its cluster, in order.
public struct BlockRuns: Sequence, IteratorProtocol, Sendable {
  @usableFromInline let mask: BlockMask
  @usableFromInline var end = 0

  @inlinable
  init(_ mask: BlockMask) { self.mask = mask }

  /// The next run.
  @inlinable
  public mutating func next() -> Range<Int>? {
    let mask = self.mask
    let run = BlockMask.nextRun(from: end, byteCount: Int(Cluster.bytes)) { _ in mask }
    if let run { end = run.upperBound }
    return run
  }
}

extension BlockMask {
  /// The runs of its blocks: whole blocks, as bytes from the start of the cluster.
  @inlinable
  public var runs: BlockRuns { BlockRuns(self) }

  /// The next maximal run of blocks in a piece of several clusters.
  ///
  /// - Parameters:
  ///   - start: Where to look from, in bytes of the piece; the end of the run before, or 0.
  ///   - byteCount: Bytes of the piece; a run ends there, if it comes so far.
  ///   - mask: Tells the mask of a cluster of the piece.
  /// - Returns: Bytes of the piece: multiples of 4 KiB, or its end; `nil` if no block follows.
  @inlinable
  public static func nextRun(
    from start: Int, byteCount: Int, _ mask: (_ cluster: Int) -> BlockMask
  ) -> Range<Int>? {
    let blocks = Block.count(in: byteCount)
    // Rounded up: the run before may have ended inside the last block.
    let first = nextBlock(from: Block.count(in: start), before: blocks, mask)
    guard first < blocks else { return nil }
    let end = nextBlock(from: first, before: blocks) { cluster in mask(cluster).complement }
    return (first * Int(Block.bytes))..<min(end * Int(Block.bytes), byteCount)
  }

  /// The first block at or after `start` that its cluster's mask has, or `blocks`.
  @inlinable
  static func nextBlock(
    from start: Int, before blocks: Int, _ mask: (_ cluster: Int) -> BlockMask
  ) -> Int {
    var block = start
    while block < blocks {
      let (cluster, place) = block.quotientAndRemainder(dividingBy: Cluster.blocks)
      let bits = mask(cluster).rawValue & UInt16.max << UInt16(place)
      if bits != 0 { return min(cluster * Cluster.blocks + bits.trailingZeroBitCount, blocks) }
      block = (cluster + 1) * Cluster.blocks
    }
    return blocks
  }
}

extension Span<BlockMask> {
  /// The next maximal run of blocks in a piece whose clusters have these masks.
  ///
  /// ```swift
  /// var end = 0
  /// while let run = masks.nextRun(from: end, byteCount: bytes.count) { …; end = run.upperBound }
  /// ```
  /// - Parameters:
  ///   - start: Where to look from, in bytes of the piece; the end of the run before, or 0.
  ///   - byteCount: Bytes of the piece.
  @inlinable
  public func nextRun(from start: Int, byteCount: Int) -> Range<Int>? {
    BlockMask.nextRun(from: start, byteCount: byteCount) { cluster in self[cluster] }
  }
}
