import DiskFormats
import RawFormat
import WriterKit

/// The file of an image, which grows in large steps and is written past the page cache.
@safe struct OutputImage: ~Copyable {
  /// Writes behind the end of a file are slow where they bypass the page cache: each of them has to
  /// move the end.
  private static let stepBytes: UInt64 = 64 << 20

  private var file: OutputFile
  private var length: UInt64 = 0
  private var canGrow = true
  /// Memory of our own that is aligned; the file's pieces go through it.
  private let cluster: UnsafeMutableRawBufferPointer

  init(_ file: consuming OutputFile) {
    self.file = file
    unsafe cluster = .allocate(byteCount: Int(QCOW2.clusterBytes), alignment: 4096)
  }

  deinit { unsafe cluster.deallocate() }

  /// Writes memory that is aligned to 4 KiB, at a multiple of that.
  mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(PluginError) {
    grow(to: offset + UInt64(bytes.count))
    try file.write(unsafe bytes.bytes, at: offset)
  }

  /// Writes a cluster, wherever its bytes lie; zeros follow them.
  mutating func writeCluster(
    _ bytes: UnsafeRawBufferPointer, at offset: UInt64
  ) throws(PluginError) {
    unsafe cluster.copyMemory(from: bytes)
    unsafe UnsafeMutableRawBufferPointer(rebasing: cluster[bytes.count...])
      .initializeMemory(as: UInt8.self, repeating: 0)
    try unsafe write(UnsafeRawBufferPointer(cluster), at: offset)
  }

  /// Writes a piece of metadata.
  mutating func write(_ piece: QCOW2Encoder.Piece) throws(PluginError) {
    let span = piece.bytes.span
    try unsafe span.withUnsafeBytes { bytes throws(PluginError) in
      try unsafe writeCluster(bytes, at: piece.offset)
    }
  }

  /// Gives the file its length, and brings it to stable storage.
  ///
  /// - Returns: Bytes it takes on the disk.
  mutating func finish(_ byteCount: UInt64) throws(PluginError) -> UInt64 {
    try file.setLength(byteCount)
    return try file.sync()
  }

  private mutating func grow(to end: UInt64) {
    guard end > length, canGrow else { return }
    let next = (end + Self.stepBytes - 1) / Self.stepBytes * Self.stepBytes
    // A limit that forbids the step may still have room for the bytes.
    do throws(PluginError) { try file.setLength(next) } catch { canGrow = false }
    length = next
  }
}
