/// Base64 (RFC 4648) in lines of 76 characters, as XML carries binary data.
enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  /// What each byte stands for, or 255.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
    return values
  }()

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count / 3 * 4 + bytes.count / 57 + 8)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      if start % 57 == 0 { text.append(UInt8(ascii: "\n")) }
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
      for letter in 0..<4 {
        let isData = letter <= group.count
        text.append(isData ? alphabet[Int(bits >> (18 - 6 * UInt32(letter)) & 63)] : padding)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes, or `nil` if it is no Base64: white space may be anywhere, all else is strict.
  static func decode(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var letters = 0
    var paddings = 0
    for letter in text.utf8 where ![0x20, 0x09, 0x0A, 0x0D].contains(letter) {
      if letter == padding {
        paddings += 1
      } else {
        guard paddings == 0, values[Int(letter)] != 255 else { return nil }
        bits = bits << 6 | UInt32(values[Int(letter)])
      }
      letters += 1
      guard letters % 4 == 0, paddings == 0 else { continue }
      bytes += [UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8)]
      bytes.append(UInt8(truncatingIfNeeded: bits))
    }
    guard letters % 4 == 0 else { return nil }
    switch paddings {
    case 0: return bytes
    case 1 where bits & 3 == 0:
      return bytes + [UInt8(truncatingIfNeeded: bits >> 10), UInt8(truncatingIfNeeded: bits >> 2)]
    case 2 where bits & 15 == 0: return bytes + [UInt8(truncatingIfNeeded: bits >> 4)]
    default: return nil
    }
  }
}
