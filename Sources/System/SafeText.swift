/// Untrusted text made fit for a terminal and a log: on one line, without escape sequences,
/// control characters, and what is not seen or turns the direction of writing.
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
    default: if isSeen(scalar) { scalars.append(scalar) }
    }
  }
  return String(scalars)
}

/// The same for text of several lines; empty ones are left out.
package func sanitisedLines(_ bytes: some Sequence<UInt8>) -> [String] {
  Array(bytes).split(separator: 0x0A).map { sanitised($0) }.filter { !$0.isEmpty }
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
