import ArchiveFiles
import WriterKit

/// The options of appliances.
struct OVAOptions {
  /// What the disks of an appliance are.
  enum DiskFormat: String { case vmdk, qcow2 }

  /// `nil` if it was not given.
  let level: Int?
  let diskFormat: DiskFormat

  init(_ options: JobOptions) {
    level = options.integer("level")
    diskFormat = options.choice("disk-format") ?? .vmdk
  }
}

/// The options of tar archives.
struct TarOptions {
  let compression: Compression
  /// List disks in SHA256SUMS.
  let listsDisks: Bool

  init(_ options: JobOptions) throws(PluginError) {
    compression = try options.compression("compress")
    listsDisks = options.flag("sha256sums")
  }
}
