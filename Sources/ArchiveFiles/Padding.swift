/// What makes a block of zstd fill whole sectors, so that it can be written past the page cache: a
/// skippable frame (RFC 8878, 3.1.2), which every decoder passes over.
///
/// ```
/// 0          4        8
/// ┌──────────┬────────┬────────┐
/// │ 184D2A50 │ length │ zeros  │   little-endian
/// └──────────┴────────┴────────┘
/// ```
enum Padding {
  /// Bytes that suffice for any block.
  static let bytesMax = headerBytes + sectorBytes
  private static let sectorBytes = 512
  private static let headerBytes = 8
  private static let magic: UInt32 = 0x184D_2A50

  /// Adds a frame behind the first `count` bytes, if they do not fill sectors.
  ///
  /// - Parameter output: At least ``bytesMax`` longer than `count`.
  /// - Returns: Bytes in `output` now: a multiple of 512.
  static func add(behind count: Int, in output: UnsafeMutableRawBufferPointer) -> Int {
    guard count % sectorBytes != 0 else { return count }
    let end = (count + headerBytes + sectorBytes - 1) / sectorBytes * sectorBytes
    let length = UInt32(end - count - headerBytes)
    let frame = unsafe UnsafeMutableRawBufferPointer(rebasing: output[count..<end])
    unsafe frame.initializeMemory(as: UInt8.self, repeating: 0)
    unsafe frame.storeBytes(of: magic.littleEndian, as: UInt32.self)
    unsafe frame.storeBytes(of: length.littleEndian, toByteOffset: 4, as: UInt32.self)
    return end
  }
}
