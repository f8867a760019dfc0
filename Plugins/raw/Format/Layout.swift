import BackupProtocol
package import WriterKit

/// The names inside a directory: a disk's name with a suffix, `NAME.bin` for the state of a running
/// machine, `NAME` for everything else. Those of `raw`, which a tar has too, and of formats that
/// differ in what a disk's file is.
package struct Layout: Sendable {
  /// `NAME.raw`, and checksums.
  package static let raw = Layout(diskSuffix: ".raw", reserved: [manifest, checksums])

  /// The receipt, extended by what is known of each file.
  package static let manifest = "manifest.json"
  /// What `sha256sum -c` reads.
  package static let checksums = "SHA256SUMS"

  private static let stateSuffix = ".bin"

  private let diskSuffix: String
  /// Names that no stream may have.
  private let reserved: Set<String>
  /// Whether a disk's file may be an increment.
  let holdsIncrements: Bool

  package init(diskSuffix: String, reserved: Set<String>, holdsIncrements: Bool = false) {
    self.diskSuffix = diskSuffix
    self.reserved = reserved
    self.holdsIncrements = holdsIncrements
  }

  package func fileName(_ stream: StreamDescription) -> String {
    switch stream.kind {
    case .disk: stream.name + diskSuffix
    case .vmstate: stream.name + Self.stateSuffix
    case .config: stream.name
    }
  }

  /// Refuses streams that cannot live side by side.
  package func check(_ streams: [StreamDescription]) throws(PluginError) {
    var owners: [String: StreamDescription] = [:]
    for stream in streams {
      let file = fileName(stream)
      if reserved.contains(file) {
        throw PluginError(
          .badJob,
          "\(stream.kind) \"\(stream.name)\" has a reserved name in this format; "
            + "rename it")
      }
      guard file.utf8.count <= Limits.nameBytesMax else {
        throw PluginError(
          .badJob,
          "the file name of \(stream.kind) \"\(stream.name)\" would have "
            + "\(file.utf8.count) bytes; the limit is \(Limits.nameBytesMax)")
      }
      if let other = owners[file] {
        throw PluginError(
          .badJob,
          "\(other.kind) \"\(other.name)\" and \(stream.kind) \"\(stream.name)\" "
            + "have the same file name \(file); rename one of them")
      }
      owners[file] = stream
    }
  }
}
