internal import CCrypto

/// An MD5 as the format uses it: over bytes that contain it, its own sixteen counted as zeros.
package struct Checksum: Equatable {
  package let high: UInt64
  package let low: UInt64

  /// What is written at `offset`.
  package init(writtenAt offset: Int, in bytes: RawSpan) {
    high = bytes.bigEndian(offset, as: UInt64.self)
    low = bytes.bigEndian(offset + 8, as: UInt64.self)
  }

  /// What belongs at `offset`.
  package init(of bytes: RawSpan, at offset: Int) {
    var context = MD5_CTX()
    var digest = [16 of UInt8](repeating: 0)
    unsafe _ = MD5_Init(&context)
    Self.update(&context, bytes.extracting(0..<offset))
    var blank: (UInt64, UInt64) = (0, 0)
    unsafe _ = MD5_Update(&context, &blank, 16)
    Self.update(&context, bytes.extracting((offset + 16)..<bytes.byteCount))
    var span = digest.mutableSpan
    unsafe span.withUnsafeMutableBufferPointer { unsafe _ = MD5_Final($0.baseAddress, &context) }
    var halves: (UInt64, UInt64) = (0, 0)
    for place in 0..<8 {
      halves.0 = halves.0 << 8 | UInt64(digest[place])
      halves.1 = halves.1 << 8 | UInt64(digest[place + 8])
    }
    (high, low) = halves
  }

  private static func update(_ context: inout MD5_CTX, _ bytes: RawSpan) {
    // Safe because: OpenSSL reads exactly the span.
    unsafe bytes.withUnsafeBytes { buffer in
      unsafe _ = MD5_Update(&context, buffer.baseAddress, buffer.count)
    }
  }
}
