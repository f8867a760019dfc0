package import ArchiveBytes
import BackupProtocol

/// One pass over the members of an archive: ustar, PAX, GNU, and the sparse files of all of them.
///
/// The archive is hostile: every number is checked, and nothing is taken into memory that is not
/// bounded. Names are handed on as they are. Owned by one thread.
package final class TarWalk {
  /// Bytes of a long name.
  private static let longNameBytesMax: UInt64 = 64 << 10
  /// Headers that describe the next one.
  private static let extensionsMax = 16
  /// Bytes that are passed over at once.
  private static let strideBytes: UInt64 = 1 << 30

  package let source: any ByteSource
  /// The comment of the archive's global header, if it has one.
  package private(set) var comment: String?
  /// Where the next header is.
  private var nextOffset: UInt64 = 0
  private var isAtEnd = false
  /// Whether the end mark was less than two blocks of zeros.
  package private(set) var hasShortEnd = false
  /// Called with bytes that were passed over.
  package var onPassing: (UInt64) -> Void = { _ in }

  /// - Parameter source: Stands at the archive's start.
  package init(_ source: any ByteSource) { self.source = source }

  /// Goes to the next member; bytes of the one before that were not read are passed over.
  ///
  /// - Returns: `nil` at the end of the archive.
  /// - Throws: E_CORRUPT for what is no archive, and for one that ends without its end mark.
  package func next() throws(ArchiveError) -> TarMember? {
    if isAtEnd { return nil }
    try passToHeader()
    var extensions = HeaderExtensions()
    for _ in 0..<Self.extensionsMax {
      guard let header = try readHeader() else {
        guard extensions.isEmpty else {
          throw .corrupt("a header without its member at the end of the archive")
        }
        return nil
      }
      switch header.type {
      case UInt8(ascii: "x"), UInt8(ascii: "X"):
        extensions.records = try PAXRecords(
          parsing: read(header, atMost: PAXRecords.byteCountMax, "a PAX header"))
      case UInt8(ascii: "g"):
        try takeGlobal(
          PAXRecords(parsing: read(header, atMost: PAXRecords.byteCountMax, "a PAX header")))
      case UInt8(ascii: "L"):
        let name = try read(header, atMost: Self.longNameBytesMax, "a long name")
        extensions.longName = RawHeader.text(name[...])
      case UInt8(ascii: "K"):
        _ = try read(header, atMost: Self.longNameBytesMax, "a long name")
      default: return try member(header, extensions)
      }
    }
    throw .corrupt("a member has more than \(Self.extensionsMax) headers")
  }

  /// Reads to the end of the file: after the archive's end mark there is nothing but zeros.
  package func drain() throws(ArchiveError) {
    while try next() != nil {}
    var block = [UInt8](repeating: 0, count: 32 << 10)
    while true {
      let count = try read(&block)
      guard block[..<count].allSatisfy({ $0 == 0 }) else {
        throw .corrupt("unexpected data after the end of the archive")
      }
      if count < block.count { return }
    }
  }

  private func passToHeader() throws(ArchiveError) {
    while source.position < nextOffset {
      let part = min(Self.strideBytes, nextOffset - source.position)
      try source.pass(Int(part), of: "a member")
      onPassing(part)
    }
  }

  /// - Returns: `nil` at the end mark.
  private func readHeader() throws(ArchiveError) -> RawHeader? {
    let isFirst = nextOffset == 0
    let block = try readBlock(isFirst ? "its first header" : "a header, or without an end mark")
    guard block.allSatisfy({ $0 == 0 }) else {
      if isFirst, !block[257..<262].elementsEqual("ustar".utf8) {
        // Tars of 1979 have no mark; what is none of those either is told so.
        do { return try RawHeader(parsing: block) } catch {
          throw .corrupt("not a tar archive")
        }
      }
      return try RawHeader(parsing: block)
    }
    // Others take zeros for an archive of nothing; ours is one that has lost its beginning.
    guard !isFirst else {
      throw .corrupt("the archive starts with zeros: it is empty, or its beginning is lost")
    }
    isAtEnd = true
    var second = [UInt8](repeating: 0, count: TarBlock.byteCount)
    let count = try read(&second)
    guard second[..<count].allSatisfy({ $0 == 0 }) else {
      throw .corrupt("the archive has a header after a block of zeros")
    }
    hasShortEnd = count < second.count
    return nil
  }

  private func takeGlobal(_ records: PAXRecords) throws(ArchiveError) {
    for record in records.records
    where record.key == "size" || record.key == "path" || record.key.hasPrefix("GNU.sparse") {
      throw .corrupt("a global header sets \(record.key) for all members")
    }
    guard let text = records["comment"], comment == nil else { return }
    comment = String(decoding: text, as: UTF8.self)
  }

  /// A block, which must be there.
  func readBlock(_ what: String) throws(ArchiveError) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: TarBlock.byteCount)
    guard try read(&block) == block.count else { throw .corrupt("the archive ends inside \(what)") }
    nextOffset = source.position
    return block
  }

  /// The member's bytes begin here; so many of them are in the archive.
  func endMember(_ storedBytes: UInt64) {
    nextOffset =
      source.position + storedBytes + UInt64(TarBlock.paddingBytes(behind: storedBytes))
  }

  /// What a header announces, with its padding.
  private func read(
    _ header: RawHeader, atMost most: UInt64, _ what: String
  ) throws(ArchiveError) -> [UInt8] {
    guard header.byteCount <= most else {
      throw ArchiveError(.tooLarge, "\(what) has \(header.byteCount) bytes; the limit is \(most)")
    }
    // In steps: what is announced need not be there.
    var (bytes, left) = ([UInt8](), Int(header.byteCount))
    while left > 0 {
      var part = [UInt8](repeating: 0, count: min(left, 1 << 20))
      guard try read(&part) == part.count else { throw .corrupt("the archive ends inside \(what)") }
      bytes += part
      left -= part.count
    }
    try source.pass(TarBlock.paddingBytes(behind: header.byteCount), of: what)
    nextOffset = source.position
    return bytes
  }

  private func read(_ bytes: inout [UInt8]) throws(ArchiveError) -> Int {
    var failure: ArchiveError?
    let count = unsafe bytes.withUnsafeMutableBytes { buffer -> Int in
      do throws(ArchiveError) { return try unsafe source.read(into: buffer) } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    return count
  }
}

/// What headers say about the next member.
struct HeaderExtensions {
  var records = PAXRecords()
  var longName: String?

  var isEmpty: Bool { records.records.isEmpty && longName == nil }
}
