/// Whether a text may stand in a description: it reaches terminals and other people's files.
func isPlainText(_ text: String) -> Bool {
  text.utf8.count <= MachineLimits.textBytesMax
    && text.unicodeScalars.allSatisfy { scalar in
      !(scalar.value < 0x20) && !(0x7F...0x9F).contains(scalar.value)
        && scalar.value & 0xFFFE != 0xFFFE
    }
}

/// `3f0c8f0e-6a55-4f0a-9f43-0d8a3f1f6a10`
func isUUID(_ text: String) -> Bool {
  let parts = text.split(separator: "-", omittingEmptySubsequences: false)
  return parts.map(\.utf8.count) == [8, 4, 4, 4, 12]
    && parts.allSatisfy { $0.utf8.allSatisfy(isHexadecimal) }
}

/// `52:54:00:12:34:56`
func isMAC(_ text: String) -> Bool {
  let parts = text.split(separator: ":", omittingEmptySubsequences: false)
  return parts.count == 6
    && parts.allSatisfy { $0.utf8.count == 2 && $0.utf8.allSatisfy(isHexadecimal) }
}

/// `[a-z0-9-]{1,32}`
func isBusName(_ text: String) -> Bool {
  (1...32).contains(text.utf8.count)
    && text.utf8.allSatisfy { byte in
      (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D
    }
}

private func isHexadecimal(_ byte: UInt8) -> Bool {
  (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
}

extension MachineDescription {
  /// A text of unknown origin as one that a description may hold: control characters go, and what
  /// is too long is cut.
  public static func plainText(_ text: String) -> String {
    var plain = ""
    for scalar in text.unicodeScalars where isPlainText(String(scalar)) {
      guard plain.utf8.count + UTF8.width(scalar) <= MachineLimits.textBytesMax else { break }
      plain.unicodeScalars.append(scalar)
    }
    return plain
  }

  /// A UUID of unknown origin in lower case; empty if it is none.
  public static func plainUUID(_ text: String) -> String {
    let plain = text.lowercased()
    return isUUID(plain) ? plain : ""
  }

  /// A MAC of unknown origin in lower case with colons; empty if it is none.
  public static func plainMAC(_ text: String) -> String {
    var plain = text.lowercased()
    plain = String(plain.map { $0 == "-" ? ":" : $0 })
    if plain.utf8.count == 12 {
      let digits = Array(plain.utf8)
      plain = stride(from: 0, to: 12, by: 2)
        .map { String(decoding: digits[$0..<($0 + 2)], as: UTF8.self) }.joined(separator: ":")
    }
    return isMAC(plain) ? plain : ""
  }
}
