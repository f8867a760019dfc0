internal import CCrypto

/// OpenSSL's SHA-256, used over and over by one thread; allocates once.
@safe struct SHA256Context: ~Copyable {
  static let byteCount = 32
  private let context: OpaquePointer

  init() {
    guard let context = unsafe EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
    unsafe self.context = context
    start()
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  /// Begins a new digest.
  mutating func start() {
    let result = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
    precondition(result == 1, "SHA-256 is not available in libcrypto")
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    unsafe _ = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// Adds `count` zeros.
  mutating func updateZeros(_ count: Int) {
    var left = count
    while left > 0 {
      let part = min(left, Self.zeros.count)
      unsafe Self.zeros.withUnsafeBytes { zeros in
        unsafe update(UnsafeRawBufferPointer(rebasing: zeros[0..<part]))
      }
      left -= part
    }
  }

  /// Ends the digest and puts its 32 bytes to `target`; begin again with ``start()``.
  mutating func finish(into target: UnsafeMutableRawPointer) {
    unsafe _ = EVP_DigestFinal_ex(context, target.assumingMemoryBound(to: UInt8.self), nil)
  }

  /// Ends the digest.
  mutating func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Self.byteCount)
    unsafe digest.withUnsafeMutableBytes { unsafe finish(into: $0.baseAddress!) }
    return digest
  }

  private static let zeros = [UInt8](repeating: 0, count: 64 << 10)
}
