internal import BlockSource

/// What `sluice restore` was asked to do.
package struct RestoreRequest: Sendable {
  /// One `--disk`: a disk of the archive that gets a place of its own.
  package struct Disk: Sendable {
    package enum Format: String, Sendable, CaseIterable { case raw, qcow2 }

    package let name: String
    package let path: String
    package let format: Format
    /// The suffix of the path, if it is that of another format and no format was given.
    let foreignSuffix: String?

    private static let archives: Set = ["ova", "ovf", "vma", "tar", "zst", "gz", "xz", "iso"]

    /// - Parameter format: `nil` lets the suffix decide; what is not called `.qcow2` is raw.
    package init(name: String, path: String, format: Format?) {
      self.name = name
      self.path = path
      let suffix = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
      let known = ImageFormat(suffixOf: path)
      let isForeign = known.map { $0 != .raw && $0 != .qcow2 } ?? Self.archives.contains(suffix)
      foreignSuffix = format == nil && isForeign ? suffix : nil
      self.format = format ?? (known == .qcow2 ? .qcow2 : .raw)
    }
  }

  package enum Allocation: Sendable {
    /// What is zeros takes no room.
    case sparse
    /// Room for all of a disk is taken before its data comes.
    case preallocate
  }

  package let archive: ArchiveRequest
  /// The directory that is to be made for what has no place of its own.
  package var directory: String?
  package var disks: [Disk] = []
  /// Streams that are left out.
  package var skipped: [String] = []
  package var allocation = Allocation.sparse
  /// Whether files and devices of ``disks`` may be overwritten.
  package var overwrites = false

  package init(_ archive: ArchiveRequest) { self.archive = archive }
}
