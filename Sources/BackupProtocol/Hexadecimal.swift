/// Bytes written as pairs of lower-case hexadecimal digits.
///
/// - Returns: `nil` for anything else; `UInt8(_:radix:)` would take a sign, too.
func decodeHexadecimal(_ digits: [UInt8]) -> [UInt8]? {
  guard digits.count % 2 == 0 else { return nil }
  var bytes: [UInt8] = []
  for place in stride(from: 0, to: digits.count, by: 2) {
    guard let high = nibble(digits[place]), let low = nibble(digits[place + 1]) else { return nil }
    bytes.append(high << 4 | low)
  }
  return bytes
}

private func nibble(_ digit: UInt8) -> UInt8? {
  switch digit {
  case 0x30...0x39: digit - 0x30
  case 0x61...0x66: digit - 0x61 + 10
  default: nil
  }
}
