/// Numbers of the format qcow2 as we write it: clusters of 64 KiB, which all its parts are made of.
package enum QCOW2 {
  /// Bytes of a cluster.
  package static let clusterBytes: UInt64 = 65536
  /// Entries of a cluster of L1, of an L2 table, and of the refcount table.
  package static let tableEntries: UInt64 = 8192
  /// Entries of a refcount block, of 16 bits each.
  package static let countEntries: UInt64 = 32768
  /// Bytes of the longest name of a backing file.
  package static let backingBytesMax = 1023

  /// In an entry of L1 or L2: nobody else uses the cluster.
  static let copied: UInt64 = 1 << 63
  /// In an entry of L2: a compressed cluster.
  static let packed: UInt64 = 1 << 62
  /// In an entry of L2: the cluster is zeros, whatever lies below.
  static let zeros: UInt64 = 1
  /// The bits of an entry that say where a cluster is.
  static let offsetMask: UInt64 = 0x00FF_FFFF_FFFF_FE00

  /// Units that hold `value`.
  static func ceil(_ value: UInt64, _ unit: UInt64) -> UInt64 { (value + unit - 1) / unit }

  /// A cluster of numbers, which are big-endian already.
  static func bytes(_ words: some Collection<UInt64>) -> [UInt8] {
    let words = Array(words)
    let bytes = unsafe words.withUnsafeBytes { unsafe Array($0) }
    return bytes + [UInt8](repeating: 0, count: Int(clusterBytes) - bytes.count)
  }
}
