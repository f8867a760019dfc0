/// An archive made of an input (``SectorFile``), with what no fuzzer guesses put right: checksums,
/// and the lengths of PAX records.
package struct Archive {
  /// What is not put right.
  private struct Kept: OptionSet {
    let rawValue: UInt8
    static let checksums = Kept(rawValue: 1)
    static let records = Kept(rawValue: 2)
    /// The file ends with its last byte.
    static let end = Kept(rawValue: 4)
    /// No two blocks of zeros behind the last member.
    static let mark = Kept(rawValue: 8)
  }

  private var file: SectorFile
  private let kept: Kept
  /// Valid until the next archive is made.
  package var bytes: UnsafeRawBufferPointer { file.bytes }

  package init(_ input: UnsafeBufferPointer<UInt8>) {
    file = SectorFile(input) { Kept(rawValue: $0).contains(.end) }
    kept = Kept(rawValue: file.flags)
    if !kept.contains(.mark) { file.put([UInt8](repeating: 0, count: 1024), at: file.bytes.count) }
    var place = 0
    while place + 512 <= bytes.count {
      if isHeader(place) {
        if !kept.contains(.records) { repairRecords(place) }
        if !kept.contains(.checksums) { repairChecksum(place) }
      }
      place += 512
    }
  }

  /// Headers of ustar and GNU, and others whose checksum begins with a mark of ours.
  private func isHeader(_ place: Int) -> Bool {
    file.holds("ustar", at: place + 257) || bytes[place + 148] == UInt8(ascii: "!")
  }

  /// The header of PAX records gets the size of what comes behind it up to a NUL, each record the
  /// length that it has.
  private mutating func repairRecords(_ header: Int) {
    let type = bytes[header + 156]
    guard type == UInt8(ascii: "x") || type == UInt8(ascii: "g") else { return }
    let start = header + 512
    var place = start
    while place < bytes.count, bytes[place] != 0 {
      guard let end = bytes[place...].firstIndex(of: 0x0A) else { break }
      repairLength(place..<(end + 1))
      place = end + 1
    }
    file.put(Self.octal(place - start, digits: 11), at: header + 124)
  }

  private mutating func repairLength(_ record: Range<Int>) {
    let digits = bytes[record].prefix { (0x30...0x39).contains($0) }.count
    let length = Array(String(record.count).utf8)
    if digits == length.count { file.put(length, at: record.lowerBound) }
  }

  private mutating func repairChecksum(_ place: Int) {
    file.put([UInt8](repeating: 0x20, count: 8), at: place + 148)
    let sum = bytes[place..<(place + 512)].reduce(0) { $0 + Int($1) }
    file.put(Self.octal(sum, digits: 6) + [0, 0x20], at: place + 148)
  }

  private static func octal(_ number: Int, digits: Int) -> [UInt8] {
    (0..<digits).map { UInt8(0x30 + (number >> (3 * (digits - 1 - $0)) & 7)) }
  }
}
