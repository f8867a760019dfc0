extension OVFDescriptor {
  /// Takes the name of a file for the URI that the standard wants it to be (`my%20disk.vmdk`),
  /// where there is no member of that name, but one of the other.
  ///
  /// - Parameter isMember: Whether there is a member of a name.
  package mutating func unescapeNames(_ isMember: (String) -> Bool) {
    for index in files.indices where !isMember(files[index].name) {
      guard let name = Self.unescaped(files[index].name), isMember(name) else { continue }
      files[index].name = name
    }
  }

  /// A URI without its escapes (RFC 3986); `nil` if one is malformed, or the bytes are no UTF-8.
  private static func unescaped(_ uri: String) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(uri.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = rest.prefix(2).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
      guard digits.count == 2 else { return nil }
      bytes.append(UInt8(digits[0] << 4 | digits[1]))
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
