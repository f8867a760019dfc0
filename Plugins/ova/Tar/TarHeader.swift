package import ArchiveBytes
import BackupProtocol

/// The header of a plain file, of 512 bytes: ustar, which everybody reads; from 8 GiB on with the
/// size in base 256 and GNU's magic, which all do that read such sizes at all.
package struct TarHeader: Equatable, Sendable {
  /// What a header announces: a file, or records for the file or the files that follow.
  package enum Kind: UInt8, Sendable {
    case file = 0x30
    /// PAX records of the next member.
    case extended = 0x78
    /// PAX records of all members.
    case global = 0x67
  }

  package var kind = Kind.file
  /// 1…100 bytes of ASCII, without directories if other programs are to import it.
  package var name: String
  /// Bytes of the member, without padding.
  package var byteCount: UInt64
  /// Seconds since 1970; what does not fit counts as 0.
  package var modified: Int64

  package init(name: String, byteCount: UInt64, modified: Int64 = 0) {
    self.name = name
    self.byteCount = byteCount
    self.modified = modified
  }

  /// The 512 bytes; the member's bytes follow, then padding.
  ///
  /// - Throws: E_BAD_JOB if the name does not fit.
  package func encoded() throws(ArchiveError) -> [UInt8] {
    guard Self.fits(name) else {
      throw ArchiveError(
        .badJob, "\"\(name)\" is invalid in tar: use 1 to \(TarBlock.nameBytesMax) bytes of ASCII")
    }
    return block()
  }

  /// Whether a name needs no PAX record.
  package static func fits(_ name: String) -> Bool {
    (1...TarBlock.nameBytesMax).contains(name.utf8.count) && name.utf8.allSatisfy { $0 < 0x80 }
  }

  /// The header; `name` fits.
  func block() -> [UInt8] {
    var block = [UInt8](repeating: 0, count: TarBlock.byteCount)
    func put(_ text: some Sequence<UInt8>, at offset: Int) {
      for (place, byte) in text.enumerated() { block[offset + place] = byte }
    }
    put(name.utf8, at: 0)
    put("0000644".utf8, at: 100)
    put("0000000".utf8, at: 108)
    put("0000000".utf8, at: 116)
    let isLarge = byteCount > TarBlock.octalMax
    put(isLarge ? Self.base256(byteCount) : Self.octal(byteCount, digits: 11), at: 124)
    let time = UInt64(exactly: modified).map { $0 <= TarBlock.octalMax ? $0 : 0 } ?? 0
    put(Self.octal(time, digits: 11), at: 136)
    block[156] = kind.rawValue
    // GNU's is two blanks, the version's field included; ustar's a NUL and the version 00.
    put((isLarge ? "ustar  \0" : "ustar\u{0}00").utf8, at: 257)
    put("root".utf8, at: 265)
    put("root".utf8, at: 297)
    put("        ".utf8, at: 148)
    let sum = block.reduce(0) { $0 + UInt64($1) }
    put(Self.octal(sum, digits: 6) + [0, 0x20], at: 148)
    return block
  }

  private static func octal(_ number: UInt64, digits: Int) -> [UInt8] {
    (0..<digits).map { place in
      UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number >> UInt64(3 * (digits - 1 - place)) & 7)
    }
  }

  private static func base256(_ number: UInt64) -> [UInt8] {
    [0x80, 0, 0, 0]
      + (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * (7 - $0))) }
  }
}
