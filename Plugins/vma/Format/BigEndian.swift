// Loads and stores of integers: the only places of this module that look into spans by offset.

extension RawSpan {
  /// Reads a big-endian integer; traps beyond the end, so callers know their lengths.
  @inline(__always)
  func bigEndian<Number: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int, as type: Number.Type
  ) -> Number {
    // Why: no safe form exists. Safe because: the load checks its bounds, and every bit pattern
    // is an integer.
    unsafe Number(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: type))
  }
}

extension [UInt8] {
  /// Reads a big-endian integer.
  @inline(__always)
  func bigEndian<Number: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int, as type: Number.Type
  ) -> Number {
    unsafe span.bytes.bigEndian(offset, as: type)
  }

  /// Puts a big-endian integer at an offset that exists.
  mutating func store<Number: FixedWidthInteger>(_ number: Number, at offset: Int) {
    for place in 0..<(Number.bitWidth / 8) {
      self[offset + place] = UInt8(truncatingIfNeeded: number >> (Number.bitWidth - 8 - 8 * place))
    }
  }

  /// Appends the length of a blob: the one little-endian number of the format.
  mutating func appendBlobLength(_ count: Int) {
    append(UInt8(truncatingIfNeeded: count))
    append(UInt8(truncatingIfNeeded: count >> 8))
  }
}
