import ArchiveBytes
import BackupProtocol

/// The fields of one header block that is read: of ustar, PAX, GNU and the tars before them.
struct RawHeader {
  let block: [UInt8]
  let byteCount: UInt64
  let type: UInt8

  /// - Parameter block: 512 bytes, not all of them zero.
  /// - Throws: E_CORRUPT if the checksum is wrong or the size no number.
  init(parsing block: [UInt8]) throws(ArchiveError) {
    self.block = block
    guard let sum = Self.checksum(block), Self.sums(block).contains(sum) else {
      throw .corrupt("a header of the archive is damaged: wrong checksum")
    }
    guard let size = Self.number(block[124..<136]), size <= Limits.streamBytesMax else {
      throw .corrupt("a header of the archive has an invalid size")
    }
    byteCount = size
    type = block[156]
  }

  /// The name, with ustar's prefix.
  var name: String {
    let name = Self.text(block[0..<100])
    // GNU keeps times and sparse maps where ustar has the prefix.
    guard block[257..<263].elementsEqual("ustar\0".utf8), block[345] != 0 else { return name }
    return Self.text(block[345..<500]) + "/" + name
  }

  /// A field of digits in octal, blanks around them, or of GNU's base 256.
  ///
  /// - Returns: `nil` for what is neither, or negative, or of more than 63 bits.
  static func number(_ field: ArraySlice<UInt8>) -> UInt64? {
    guard let first = field.first else { return nil }
    if first == 0x80 {
      let digits = field.dropFirst().drop { $0 == 0 }
      guard digits.count < 8 || digits.count == 8 && digits.first! < 0x80 else { return nil }
      return digits.reduce(0) { $0 << 8 | UInt64($1) }
    }
    let text = field.drop { $0 == 0x20 }
    let digits = text.prefix { (0x30...0x37).contains($0) }
    guard text.dropFirst(digits.count).allSatisfy({ $0 == 0 || $0 == 0x20 }) else { return nil }
    return digits.reduce(0) { $0 << 3 | UInt64($1 - 0x30) }
  }

  static func text(_ field: ArraySlice<UInt8>) -> String {
    String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// The checksum that the block has; a blank field is none, though a blank size is 0.
  private static func checksum(_ block: [UInt8]) -> UInt64? {
    let field = block[148..<156]
    return field.allSatisfy { $0 == 0 || $0 == 0x20 } ? nil : number(field)
  }

  /// The sum of all bytes, the checksum's own counted as blanks; of signed ones too, as old
  /// programs had it.
  private static func sums(_ block: [UInt8]) -> [UInt64] {
    var (unsigned, signed) = (UInt64(8 * 0x20), Int64(8 * 0x20))
    for (place, byte) in block.enumerated() where !(148..<156).contains(place) {
      unsigned += UInt64(byte)
      signed += Int64(Int8(bitPattern: byte))
    }
    return signed < 0 ? [unsigned] : [unsigned, UInt64(signed)]
  }
}
