/// Which blocks of a cluster may hold anything but zeros: bit b, from the least, is block b.
/// Specified in protocol.md §4.7.
public struct BlockMask: OptionSet, Hashable, BitwiseCopyable, Sendable {
  /// As frames carry it.
  public var rawValue: UInt16

  /// Makes a mask of its bits.
  @inlinable
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Every block: the mask where none was given.
  public static let all = BlockMask(rawValue: .max)

  /// The blocks that begin within the first `byteCount` bytes of a cluster.
  @inlinable
  public init(covering byteCount: Int) {
    let blocks = min(max(Block.count(in: byteCount), 0), Cluster.blocks)
    self.init(rawValue: UInt16(truncatingIfNeeded: (1 << blocks) - 1))
  }

  /// Whether a block may hold anything but zeros.
  ///
  /// - Parameter block: 0…15.
  @inlinable
  public subscript(block: Int) -> Bool {
    get { rawValue >> UInt16(block) & 1 != 0 }
    set {
      let bit = UInt16(1) << UInt16(block)
      rawValue = newValue ? rawValue | bit : rawValue & ~bit
    }
  }

  /// The blocks that this mask leaves out.
  @inlinable
  public var complement: BlockMask { BlockMask(rawValue: ~rawValue) }

  /// How many blocks it has.
  @inlinable
  public var count: Int { rawValue.nonzeroBitCount }
}

extension BlockMask: ExpressibleByIntegerLiteral {
  /// Makes a mask of its bits, as in `0x0001`.
  @inlinable
  public init(integerLiteral bits: UInt16) { self.init(rawValue: bits) }
}

extension [BlockMask] {
  /// Adds every block that a range of bytes touches; a cluster beyond the last one is appended.
  public mutating func mark(_ range: Range<Int>) {
    for block in (range.lowerBound / Int(Block.bytes))..<Block.count(in: range.upperBound) {
      while count <= block / Cluster.blocks { append([]) }
      self[block / Cluster.blocks][block % Cluster.blocks] = true
    }
  }
}
