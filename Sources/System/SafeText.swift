/// Untrusted text made fit for a terminal and a log: on one line, without escape sequences,
/// control characters, and what is not seen or turns the direction of writing.
///
/// A byte of a name that is no text is shown as `\xE4`: see ``nameText(_:)``.
///
/// The one rule for all that plugins, archives, QEMU and other peers say or name.
package func sanitised(_ bytes: some Sequence<UInt8>) -> String {
  var scalars = String.UnicodeScalarView()
  var inEscape = false
  for scalar in String(decoding: Array(bytes), as: UTF8.self).unicodeScalars {
    if inEscape {
      // A CSI sequence ends with a letter or ~; anything else of it is dropped too.
      inEscape = !(scalar.properties.isAlphabetic || scalar == "~" || scalar == "\n")
      if scalar == "\n" { scalars.append(" ") }
      continue
    }
    switch scalar.value {
    case 0x1B, 0x9B: inEscape = true
    case 0x09, 0x0A: scalars.append(" ")
    default:
      if let byte = byteOfName(scalar) {
        scalars.append(contentsOf: "\\x\(String(byte, radix: 16, uppercase: true))".unicodeScalars)
      } else if isSeen(scalar) {
        scalars.append(scalar)
      }
    }
  }
  return String(scalars)
}

/// A name that a peer gave us, fit for a terminal and for JSON of bounded size.
package func cleaned(_ name: String) -> String {
  String(String.UnicodeScalarView(sanitised(name.utf8).unicodeScalars.prefix(255)))
}

/// The same for text of several lines; empty ones are left out.
package func sanitisedLines(_ bytes: some Sequence<UInt8>) -> [String] {
  Array(bytes).split(separator: 0x0A).map { sanitised($0) }.filter { !$0.isEmpty }
}

/// Whether nothing would be taken out of a name that is new: what is shown is what it is.
package func isPlain(_ name: String) -> Bool {
  name.unicodeScalars.allSatisfy(isSeen)
}

/// A line of JSON in which such characters are escaped. JSON itself lets C1 through, which move the
/// cursor of a terminal, and what turns the direction of writing.
package func escaped(json line: String) -> String {
  guard !line.unicodeScalars.allSatisfy(isSeen) else { return line }
  var escaped = ""
  for scalar in line.unicodeScalars {
    guard !isSeen(scalar) else {
      escaped.unicodeScalars.append(scalar)
      continue
    }
    for unit in String(scalar).utf16 {
      let digits = String(unit, radix: 16)
      escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
  }
  return escaped
}

/// Whether a character is none of those: C0, C1, line and paragraph separators, zero width, marks
/// and overrides of direction.
private func isSeen(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x61C, 0x180E: false
  case 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: false
  case 0xE0000...0xE007F: false
  default: true
  }
}
