package import ArchiveBytes
internal import BackupProtocol

/// The text in a VMDK that says what its parts are.
package struct VMDKDescriptor: Equatable, Sendable {
  /// A part of the disk: a file, or what is inside this one.
  package struct Extent: Equatable, Sendable {
    package enum Kind: String, Sendable {
      case sparse = "SPARSE", flat = "FLAT", zero = "ZERO", vmfs = "VMFS", vmfsSparse = "VMFSSPARSE"
    }

    package var sectors: UInt64
    package var kind: Kind
    /// Of the file; never a path that was checked.
    package var name: String
    /// Sector of the file where it begins, for flat ones.
    package var offset: UInt64

    package init(sectors: UInt64, kind: Kind, name: String, offset: UInt64) {
      self.sectors = sectors
      self.kind = kind
      self.name = name
      self.offset = offset
    }
  }

  package var createType = ""
  /// Whether it builds on another disk.
  package var hasParent = false
  package var extents: [Extent] = []

  /// Bytes that are read at most.
  package static let bytesMax = 64 << 10
  /// What a descriptor file of its own begins with.
  package static let start = Array("# Disk DescriptorFile".utf8)

  /// Bytes of the disk.
  package var capacityBytes: UInt64 {
    extents.reduce(0) { $0 &+ $1.sectors &* 512 }
  }

  /// - Parameter bytes: Up to the first NUL, ``bytesMax`` at most.
  /// - Throws: E_CORRUPT or E_UNSUPPORTED.
  package init(parsing bytes: [UInt8]) throws(ArchiveError) {
    guard bytes.count <= Self.bytesMax else {
      throw .corrupt("VMDK descriptor of \(bytes.count) bytes")
    }
    for line in bytes.prefix(while: { $0 != 0 }).split(whereSeparator: { $0 == 10 || $0 == 13 }) {
      try take(String(decoding: line, as: UTF8.self))
    }
    var sectors: UInt64 = 0
    for extent in extents {
      let (sum, overflow) = sectors.addingReportingOverflow(extent.sectors)
      guard !overflow, sum < 1 << 44 else { throw .corrupt("the VMDK's extents are too long") }
      sectors = sum
    }
  }

  private mutating func take(_ line: String) throws(ArchiveError) {
    let words = line.split(separator: " ", omittingEmptySubsequences: true)
    if let access = words.first, ["RW", "RDONLY", "NOACCESS"].contains(access), words.count >= 3 {
      try takeExtent(line, words)
      return
    }
    guard let equals = line.firstIndex(of: "=") else { return }
    let key = line[..<equals].filter { $0 != " " }
    let value = line[line.index(after: equals)...].filter { $0 != "\"" && $0 != " " }
    if key == "createType" { createType = value }
    if key == "parentCID" { hasParent = value.lowercased() != "ffffffff" }
  }

  /// `RW 2048 FLAT "disk-flat.vmdk" 0`
  private mutating func takeExtent(_ line: String, _ words: [Substring]) throws(ArchiveError) {
    guard let sectors = UInt64(words[1]), sectors <= 1 << 44, extents.count < 1024 else {
      throw .corrupt("malformed extent in the VMDK descriptor")
    }
    guard let kind = Extent.Kind(rawValue: String(words[2])) else {
      throw ArchiveError(.unsupported, "VMDK with an unsupported kind of extent")
    }
    let parts = line.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
    guard kind == .zero || parts.count == 3 else {
      throw .corrupt("extent without a name in the VMDK descriptor")
    }
    // Some writers put more words behind the offset.
    let word = parts.count == 3 ? parts[2].split(whereSeparator: \.isWhitespace).first : nil
    let offset = word.map { UInt64($0) } ?? 0
    guard let offset, offset <= 1 << 44 else {
      throw .corrupt("extent with an invalid offset in the VMDK descriptor")
    }
    extents.append(
      Extent(
        sectors: sectors, kind: kind, name: parts.count == 3 ? String(parts[1]) : "",
        offset: offset))
  }
}
