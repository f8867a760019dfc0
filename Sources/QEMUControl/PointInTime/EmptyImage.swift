internal import CLinux
package import System

/// The metadata of a qcow2 in which nothing is allocated yet (QEMU `docs/interop/qcow2.txt`).
///
/// Made here and not by QEMU's `blockdev-create`: while that job runs, QEMU 7.2 has a node of the
/// driver qcow2 without a version, and whoever asks for `query-named-block-nodes` in that moment,
/// be it another program, makes it abort (`qcow2_get_specific_info`), the guest with it.
package struct EmptyImage {
  private static let clusterBits: UInt32 = 16
  private static let clusterBytes: Int64 = 1 << 16
  /// Bytes of the disk that one entry of the first table covers: 8192 clusters.
  private static let entryBytes: Int64 = 8192 << 16
  private static let headerBytes: UInt32 = 104

  // In clusters: header, table of reference counts, their first block, first table of the mapping.
  private static let countsTable: Int64 = 1
  private static let countsBlock: Int64 = 2
  private static let mapping: Int64 = 3

  /// Bytes of the disk.
  let size: Int64

  /// - Parameter size: Bytes of the disk, a multiple of 512.
  package init(size: Int64) { self.size = size }

  /// Of the table of the mapping; none of them points to anything.
  private var entryCount: Int64 { max(1, (size + Self.entryBytes - 1) / Self.entryBytes) }
  private var mappingClusters: Int64 {
    (entryCount * 8 + Self.clusterBytes - 1) / Self.clusterBytes
  }
  private var clusterCount: Int64 { Self.mapping + mappingClusters }
  /// Length of the file.
  var byteCount: Int64 { clusterCount * Self.clusterBytes }

  /// Puts it into an empty file; what is zero stays a hole.
  package func write(to file: borrowing OwnedDescriptor, subject: String) throws(SystemCallError) {
    try check(clinux_ftruncate(file.raw, byteCount), .ftruncate, subject)
    try put(header, at: 0, file, subject)
    try put(bytes(Self.countsBlock * Self.clusterBytes), at: Self.countsTable, file, subject)
    // One block of counts is enough for 32768 clusters; QEMU adds more when the file grows.
    let counts = [UInt8]((0..<clusterCount).map { _ in [0, 1] as [UInt8] }.joined())
    try put(counts, at: Self.countsBlock, file, subject)
  }

  private var header: [UInt8] {
    bytes(UInt32(0x5146_49fb)) + bytes(UInt32(3))  // magic, version
      + bytes(Int64(0)) + bytes(UInt32(0))  // no backing file: QEMU is told by node
      + bytes(Self.clusterBits) + bytes(size) + bytes(UInt32(0))  // not encrypted
      + bytes(UInt32(clamping: entryCount)) + bytes(Self.mapping * Self.clusterBytes)
      + bytes(Self.countsTable * Self.clusterBytes) + bytes(UInt32(1))
      + bytes(UInt32(0)) + bytes(Int64(0))  // no snapshots
      + bytes(Int64(0)) + bytes(Int64(0)) + bytes(Int64(0))  // no features
      + bytes(UInt32(4)) + bytes(Self.headerBytes)  // counts of 16 bits
  }

  private func put(
    _ bytes: [UInt8], at cluster: Int64, _ file: borrowing OwnedDescriptor, _ subject: String
  ) throws(SystemCallError) {
    var failure: SystemCallError?
    unsafe bytes.withUnsafeBytes { buffer in
      do throws(SystemCallError) {
        try unsafe file.writeAll(buffer, at: cluster * Self.clusterBytes, subject: subject)
      } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }
}
