/// The unit of frame boundaries and of allocation maps; a mask speaks of one. protocol.md §6.
public enum Cluster {
  /// Bytes of a cluster.
  public static let bytes: UInt64 = 64 << 10
  /// Blocks of a cluster.
  public static let blocks = 16

  /// Clusters that begin within `byteCount` bytes.
  @inlinable
  public static func count(in byteCount: Int) -> Int { (byteCount + Int(bytes) - 1) / Int(bytes) }
}

/// The unit of zero detection: one bit of a mask. protocol.md §6.
public enum Block {
  /// Bytes of a block.
  public static let bytes: UInt64 = 4 << 10

  /// Blocks that begin within `byteCount` bytes.
  @inlinable
  public static func count(in byteCount: Int) -> Int { (byteCount + Int(bytes) - 1) / Int(bytes) }
}
