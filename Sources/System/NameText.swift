internal import CLinux
internal import Glibc

/// A file name or path of these bytes as text, without loss.
///
/// Names in Linux are bytes, and need not be text. Here they are strings: a byte that is not part
/// of valid UTF-8 is the scalar U+10FE00 + byte, of a range for private use (among its last 256 are
/// two that QEMU refuses in JSON). A name that really has such a scalar has its four bytes in this
/// way, so that no two names are one text. The calls of `CLinux` turn it back into bytes
/// (`clinux_name_bytes`), and ``sanitised(_:)`` shows it as `\xE4`.
package func nameText(_ bytes: some Sequence<UInt8>) -> String {
  let bytes = Array(bytes)
  if let text = String(validating: bytes, as: UTF8.self),
    !text.unicodeScalars.contains(where: { byteOfName($0) != nil })
  {
    return text
  }
  var scalars = String.UnicodeScalarView()
  var parser = UTF8.ForwardParser()
  var iterator = bytes.makeIterator()
  var offset = 0
  while true {
    var length = 0
    switch parser.parseScalar(from: &iterator) {
    case .emptyInput: return String(scalars)
    case .error(let count): length = count
    case .valid(let encoded):
      let scalar = UTF8.decode(encoded)
      if byteOfName(scalar) == nil {
        scalars.append(scalar)
        offset += encoded.count
      } else {
        length = encoded.count
      }
    }
    for byte in bytes[offset..<(offset + length)] { scalars.append(nameScalar(byte)) }
    offset += length
  }
}

/// The same of a string of C.
package func nameText(cString: UnsafePointer<CChar>) -> String {
  unsafe nameText(UnsafeRawBufferPointer(start: cString, count: strlen(cString)))
}

/// The bytes of a name or path: what ``nameText(_:)`` was made of.
package func nameBytes(_ text: String) -> [UInt8] {
  guard text.unicodeScalars.contains(where: { byteOfName($0) != nil }) else {
    return Array(text.utf8)
  }
  return text.unicodeScalars.flatMap { scalar in
    byteOfName(scalar).map { [$0] } ?? Array(UTF8.encode(scalar)!)
  }
}

/// The byte that a scalar of a name stands for; `nil` for all others.
func byteOfName(_ scalar: Unicode.Scalar) -> UInt8? {
  (0x10FE80...0x10FEFF).contains(scalar.value) ? UInt8(truncatingIfNeeded: scalar.value) : nil
}

private func nameScalar(_ byte: UInt8) -> Unicode.Scalar {
  // Below 0x80 every byte is text.
  Unicode.Scalar(0x10FE00 + UInt32(byte))!
}
