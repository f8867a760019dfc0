/// The unit of tar: everything begins on a multiple of it.
package enum TarBlock {
  package static let byteCount = 512
  /// Bytes of the largest member without an extension: eleven octal digits, 8 GiB − 1.
  package static let octalMax: UInt64 = 0o77777777777
  /// Bytes of a name in a header.
  package static let nameBytesMax = 100
  /// What ends an archive; some readers insist on both blocks.
  package static let end = [UInt8](repeating: 0, count: 2 * byteCount)

  /// Zeros after so many bytes of a member.
  package static func paddingBytes(behind byteCount: UInt64) -> Int {
    Int(truncatingIfNeeded: (512 - byteCount % 512) % 512)
  }
}
