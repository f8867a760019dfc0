/// The text in which a vmdk image names its other files.
///
/// QEMU opens those names by itself, so they are read here first, exactly as its parser does: a
/// name that only one of the two saw would be a hole in the wall (Landlock is the wall behind).
struct VMDKDescriptor: Equatable {
  /// Names as written, in order.
  let extentNames: [String]

  /// QEMU reads no more of a descriptor.
  static let bytesMax = (1 << 20) - 1
  private static let nameBytesMax = 511
  private static let wordBytesMax = 9

  /// - Parameter text: The descriptor; it ends at the first NUL.
  init(parsing text: [UInt8]) {
    let text = text.prefix { $0 != 0 }
    var names: [String] = []
    var line = text.startIndex
    while line < text.endIndex {
      if let name = Self.extentName(text[line...]) { names.append(name) }
      guard let end = text[line...].firstIndex(of: UInt8(ascii: "\n")) else { break }
      line = end + 1
    }
    extentNames = names
  }

  /// `RW <sectors> <type> "<name>"`, as sscanf(3) reads it: any white space, line breaks too,
  /// may stand between the parts.
  private static func extentName(_ text: ArraySlice<UInt8>) -> String? {
    var rest = text
    guard word(&rest) == Array("RW".utf8), number(&rest), word(&rest) != nil else { return nil }
    skipSpace(&rest)
    guard rest.popFirst() == UInt8(ascii: "\"") else { return nil }
    let name = rest.prefix { !Array("\"\r\n".utf8).contains($0) }.prefix(nameBytesMax)
    return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
  }

  private static func skipSpace(_ text: inout ArraySlice<UInt8>) {
    text = text.drop(while: isSpace)
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D) ~= byte }

  private static func word(_ text: inout ArraySlice<UInt8>) -> [UInt8]? {
    skipSpace(&text)
    let word = text.prefix(wordBytesMax).prefix { !isSpace($0) }
    text = text.dropFirst(word.count)
    return word.isEmpty ? nil : Array(word)
  }

  private static func number(_ text: inout ArraySlice<UInt8>) -> Bool {
    skipSpace(&text)
    if let first = text.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
      text = text.dropFirst()
    }
    let digits = text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }
    text = text.dropFirst(digits.count)
    return !digits.isEmpty
  }
}

/// How a vmdk file begins.
enum VMDKHead: Equatable {
  /// Holds its data itself.
  case sparse
  /// A text that names the files which do.
  case descriptor
  /// Claims to hold nothing and points to a text inside itself: nobody writes that, and QEMU
  /// would follow it.
  case empty

  /// - Parameter head: At least the first 20 bytes of the file, if it has as many.
  init(_ head: [UInt8]) {
    if head.starts(with: "COWD".utf8) {
      self = .sparse
    } else if head.starts(with: "KDMV".utf8) {
      self = head.count >= 20 && head[12..<20].contains { $0 != 0 } ? .sparse : .empty
    } else {
      self = .descriptor
    }
  }
}
