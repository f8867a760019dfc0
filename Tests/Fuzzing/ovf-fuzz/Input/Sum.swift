public import CCrypto

// Stands in for OpenSSL's SHA-256, which is not under test, and which no fuzzer guesses: there are
// two digests.

@c(SHA256_Init)
public func sumInit(_ context: UnsafeMutablePointer<SHA256_CTX>) -> CInt {
  context.pointee = SHA256_CTX()
  return 1
}

@c(SHA256_Update)
public func sumUpdate(
  _ context: UnsafeMutablePointer<SHA256_CTX>, _ data: UnsafeRawPointer?, _ count: Int
) -> CInt {
  for byte in UnsafeRawBufferPointer(start: data, count: count) {
    context.pointee.num ^= UInt32(byte & 1)
  }
  return 1
}

@c(SHA256_Final)
public func sumFinal(
  _ digest: UnsafeMutablePointer<UInt8>?, _ context: UnsafeMutablePointer<SHA256_CTX>
) -> CInt {
  for place in 0..<32 { digest?[place] = UInt8(context.pointee.num) }
  return 1
}
