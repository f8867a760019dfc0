/// What `sluice restore` was asked to do.
package struct RestoreRequest: Sendable {
  /// A disk of the archive that gets a place of its own: `NAME=PATH[,format=raw|qcow2]`.
  package struct Disk: RequestWord, Equatable {
    package enum Format: String, Sendable, CaseIterable { case raw, qcow2 }

    package let name: String
    package let path: String
    package let format: Format
    /// The suffix of the path, if it is that of another format and no format was given.
    package let foreignSuffix: String?

    private static let archives: Set = ["ova", "ovf", "vma", "tar", "zst", "gz", "xz", "iso"]

    /// Without a format the suffix decides; what is not called `.qcow2` is raw.
    package init(parsing text: String) throws(RequestError) {
      let word = try NamedPath<Format>(parsing: text)
      (name, path) = (word.name, word.path)
      let suffix = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
      let known = ImageFormat(suffixOf: path)
      let isForeign = known.map { $0 != .raw && $0 != .qcow2 } ?? Self.archives.contains(suffix)
      foreignSuffix = word.format == nil && isForeign ? suffix : nil
      format = word.format ?? (known == .qcow2 ? .qcow2 : .raw)
    }

    /// A raw disk is not given the suffix of another format unless the user says that it is raw.
    package func requireOwnSuffix() throws(RequestError) {
      if let foreignSuffix { throw .foreignSuffix(path: path, suffix: foreignSuffix) }
    }
  }

  package enum Allocation: Sendable, CaseIterable {
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
  /// Whether what can be read of a damaged archive is kept.
  package var keepsDamaged = false

  /// Whether the script that starts the machine may have the recorded command line as it is.
  package var trustsCommandLine = false
  /// Whether the restored machine is started.
  package var startsMachine = false
  /// Whether nothing is restored, and the machine is only compared with the QEMU at hand.
  package var checksMachine = false

  package init(_ archive: ArchiveRequest) { self.archive = archive }

  /// Refuses a request that contradicts itself, whatever there is on this host.
  package func validate() throws(RequestError) {
    try validateDestination()
    var names: Set<String> = []
    for disk in disks {
      guard names.insert(disk.name).inserted else { throw .diskTwice(disk.name) }
      guard !skipped.contains(disk.name) else { throw .skippedDisk(disk.name) }
    }
  }

  /// Refuses a request that leaves all of the archive without a place.
  package func validateDestination() throws(RequestError) {
    if checksMachine {
      guard directory == nil && disks.isEmpty && !startsMachine && !trustsCommandLine else {
        throw .checkAndRestore
      }
      return
    }
    if directory == nil && (startsMachine || trustsCommandLine) { throw .scriptWithoutDirectory }
    guard directory != nil || !disks.isEmpty else { throw .noDestination }
  }
}
