internal import CCompression
internal import Glibc

/// Makes records of grains: marker, data, zeros up to a sector. One thread owns it.
@safe package final class GrainCodec {
  /// From here on every grain is tried, noise too: who asks for it wants each byte.
  private static let thoroughLevel = 6

  /// `nil`: grains are stored.
  private let compressor: OpaquePointer?
  private let isThorough: Bool

  /// - Parameter level: 0 stores: every record is as long as the longest. 1…9 deflates, harder and
  ///   harder; below 6 what looks like noise is stored.
  /// - Returns: `nil` without memory.
  package init?(level: Int) {
    isThorough = level >= Self.thoroughLevel
    guard level > 0 else {
      unsafe compressor = nil
      return
    }
    guard let compressor = unsafe libdeflate_alloc_compressor(Int32(level)) else { return nil }
    unsafe self.compressor = unsafe compressor
  }

  deinit { unsafe libdeflate_free_compressor(compressor) }

  /// Makes a record.
  ///
  /// - Parameters:
  ///   - grain: 65536 bytes.
  ///   - record: Room for ``VMDKLayout/recordBytesMax``.
  /// - Returns: Bytes of the record, a multiple of 512.
  package func encode(
    _ grain: UnsafeRawBufferPointer, number: UInt64, into record: UnsafeMutableRawBufferPointer
  ) -> Int {
    precondition(grain.count == VMDKLayout.grainBytes, "grains are whole")
    precondition(record.count >= VMDKLayout.recordBytesMax, "a record has room")
    let payload = unsafe UnsafeMutableRawBufferPointer(
      rebasing: record[VMDKLayout.markerBytes..<VMDKLayout.recordBytesMax])
    var count = unsafe deflate(grain, into: payload)
    if count == 0 { count = unsafe Self.store(grain, into: payload) }
    unsafe record.storeBytes(
      of: (number * UInt64(VMDKLayout.grainSectors)).littleEndian, as: UInt64.self)
    unsafe record.storeBytes(of: UInt32(count).littleEndian, toByteOffset: 8, as: UInt32.self)
    let end = VMDKLayout.markerBytes + count
    let whole = (end + VMDKLayout.sectorBytes - 1) & ~(VMDKLayout.sectorBytes - 1)
    unsafe UnsafeMutableRawBufferPointer(rebasing: record[end..<whole])
      .initializeMemory(as: UInt8.self, repeating: 0)
    return whole
  }

  /// - Returns: Bytes in `payload`; 0 if that is not shorter than the grain, or grains are stored.
  private func deflate(
    _ grain: UnsafeRawBufferPointer, into payload: UnsafeMutableRawBufferPointer
  ) -> Int {
    guard let compressor = unsafe compressor else { return 0 }
    if !isThorough, unsafe Noise.fills(grain) { return 0 }
    // Safe because: both lengths are those of the buffers, or less.
    return unsafe libdeflate_zlib_compress(
      compressor, grain.baseAddress, grain.count, payload.baseAddress, Self.storedBytes - 1)
  }

  /// 2 bytes of zlib's header, two stored blocks, 4 of the checksum.
  private static let storedBytes = 65552

  private static func store(
    _ grain: UnsafeRawBufferPointer, into payload: UnsafeMutableRawBufferPointer
  ) -> Int {
    // A stored block has 65535 bytes at most: the last byte takes a second one.
    let first = grain.count - 1
    unsafe payload.copyBytes(from: [0x78, 0x01, 0x00, 0xFF, 0xFF, 0x00, 0x00])
    unsafe UnsafeMutableRawBufferPointer(rebasing: payload[7..<(7 + first)])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: grain[..<first]))
    let sum = unsafe libdeflate_adler32(1, grain.baseAddress, grain.count)
    let end: [UInt8] =
      unsafe [0x01, 0x01, 0x00, 0xFE, 0xFF, grain[first]]
      + (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * $0)) }
    unsafe UnsafeMutableRawBufferPointer(rebasing: payload[(7 + first)...]).copyBytes(from: end)
    return storedBytes
  }
}

/// Whether bytes are zeros.
package func areZeros(_ bytes: UnsafeRawBufferPointer) -> Bool {
  guard let start = bytes.baseAddress, bytes.count > 0 else { return true }
  // Each byte equals the one before, and the first is zero.
  return unsafe bytes[0] == 0 && memcmp(start, start + 1, bytes.count - 1) == 0
}
