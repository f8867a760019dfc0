import ArchiveBytes
import BackupProtocol
import TarFormat
import WriterKit

/// What an archive of other programs holds: every file is a disk or a configuration.
struct ForeignListing {
  /// Files that are longer are disks, whatever they are called.
  private static let configBytesMax: UInt64 = 16 << 20
  private static let diskSuffixes = [".raw", ".img"]
  /// Images whose bytes are not those of the disk.
  private static let imageSuffixes = [".qcow2", ".vmdk", ".vdi", ".vhd", ".vhdx", ".qed"]

  /// Whether hidden files were left out.
  private(set) var hasHidden = false
  private(set) var streams: [StreamDescription] = []
  /// File names of the streams.
  private(set) var files: [UInt32: String] = [:]
  private var names: Set<String> = []
  private let host: Host

  init(_ host: Host) { self.host = host }

  mutating func add(_ member: TarMember) throws(PluginError) {
    switch member.kind {
    case .directory: return
    case .special:
      host.log(.warning, "\(shown(member.name)) is not a regular file: skipped")
      return
    case .file: break
    }
    let file = try fileName(ofMember: member.name)
    guard !isHidden(file) else {
      host.warnOfHidden(file)
      hasHidden = true
      return
    }
    if Self.imageSuffixes.contains(where: { file.hasSuffix($0) }) {
      throw PluginError(
        .unsupported,
        "\(shown(file)) is not a raw image; extract it with tar, and back it "
          + "up with --image")
    }
    let suffix = Self.diskSuffixes.first { file.hasSuffix($0) && file.utf8.count > $0.utf8.count }
    let isDisk =
      suffix != nil || member.isSparse || member.byteCount > Self.configBytesMax
    let name = isDisk ? String(file.dropLast(suffix?.count ?? 0)) : file
    guard names.insert(name).inserted else {
      throw PluginError(.corrupt, "duplicate file name \(shown(name)) in the archive")
    }
    guard streams.count < Int(Limits.streamsMax) else {
      throw PluginError(.tooLarge, "the archive has more than \(Limits.streamsMax) files")
    }
    let id = UInt32(streams.count + 1)
    files[id] = file
    streams.append(
      StreamDescription(
        id: id, kind: isDisk ? .disk : .config, name: name, role: isDisk ? "disk" : "config",
        size: member.byteCount))
  }

  private func shown(_ name: String) -> String {
    StreamDescription.isAcceptable(name: name) ? "\"\(name)\"" : "a member"
  }
}
