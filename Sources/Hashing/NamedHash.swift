internal import CCrypto

/// SHA-1, SHA-256 or SHA-512 of bytes as they go by: what the manifests of appliances name.
package struct NamedHash: ~Copyable {
  /// As manifests call it.
  package enum Algorithm: String, CaseIterable, Sendable {
    case sha1 = "SHA1"
    case sha256 = "SHA256"
    case sha512 = "SHA512"

    /// Bytes of a digest.
    package var byteCount: Int {
      switch self {
      case .sha1: 20
      case .sha256: 32
      case .sha512: 64
      }
    }
  }

  package let algorithm: Algorithm
  private var sha1 = SHA_CTX()
  private var sha256 = SHA256_CTX()
  private var sha512 = SHA512_CTX()

  package init(_ algorithm: Algorithm) {
    self.algorithm = algorithm
    start()
  }

  /// Adds bytes.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    // Safe because: OpenSSL reads exactly the buffer.
    switch algorithm {
    case .sha1: unsafe _ = SHA1_Update(&sha1, bytes.baseAddress, bytes.count)
    case .sha256: unsafe _ = SHA256_Update(&sha256, bytes.baseAddress, bytes.count)
    case .sha512: unsafe _ = SHA512_Update(&sha512, bytes.baseAddress, bytes.count)
    }
  }

  /// Adds bytes.
  package mutating func update(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { buffer in unsafe update(buffer) }
  }

  /// The digest of all bytes so far; the value starts again from nothing.
  package mutating func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: algorithm.byteCount)
    // Safe because: each writes as many bytes as its digests have.
    unsafe digest.withUnsafeMutableBufferPointer { buffer in
      switch algorithm {
      case .sha1: unsafe _ = SHA1_Final(buffer.baseAddress, &sha1)
      case .sha256: unsafe _ = SHA256_Final(buffer.baseAddress, &sha256)
      case .sha512: unsafe _ = SHA512_Final(buffer.baseAddress, &sha512)
      }
    }
    start()
    return digest
  }

  private mutating func start() {
    switch algorithm {
    case .sha1: unsafe _ = SHA1_Init(&sha1)
    case .sha256: unsafe _ = SHA256_Init(&sha256)
    case .sha512: unsafe _ = SHA512_Init(&sha512)
    }
  }
}
