// The only file of this module that says `unsafe`: RawSpan has no safe integer load on 6.3.

extension RawSpan {
  /// Reads a little-endian integer.
  ///
  /// - Parameter offset: Bytes from the start; the integer must lie inside the span, or we trap:
  ///   callers check the length of what a peer sent before they load from it.
  @inline(__always)
  func load<Number: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int, as type: Number.Type
  ) -> Number {
    // Why: no safe form exists. Safe because: unsafeLoadUnaligned is bounds-checked by RawSpan and
    // every bit pattern is an integer.
    unsafe Number(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: type))
  }

  /// Copies the bytes from `offset` to the end.
  func bytes(from offset: Int) -> [UInt8] {
    unsafe withUnsafeBytes { unsafe Array($0.dropFirst(offset)) }
  }
}

extension [UInt8] {
  /// Appends an integer, little-endian.
  @inline(__always)
  mutating func appendLittleEndian<Number: FixedWidthInteger>(_ number: Number) {
    let value = number
    for place in 0..<(Number.bitWidth / 8) {
      append(UInt8(truncatingIfNeeded: value >> (place * 8)))
    }
  }

  /// The bytes as a span that lives as long as `body` runs.
  func withRawSpan<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(span.bytes)
  }
}
