import ArchiveFiles
import WriterKit

/// The options of both formats, of which a job has those of its own.
struct Options {
  /// What the disks of an appliance are.
  enum DiskFormat: String { case vmdk, qcow2 }

  /// `nil` if it was not given.
  var level: Int?
  var diskFormat = DiskFormat.vmdk
  var compression = Compression.none
  /// List disks in SHA256SUMS.
  var listsDisks = false

  init(_ options: JSONObject, format: String) throws(PluginError) {
    for member in options.members {
      switch (format, member.name) {
      case ("ova", "level"): level = try member.level()
      case ("ova", "disk-format"): diskFormat = try member.diskFormat()
      case ("tar", "compress"): compression = try member.compression()
      case ("tar", "sha256sums"): listsDisks = try member.flag()
      default:
        throw PluginError(.badOption, "\(format) has no option \"\(member.name)\"")
      }
    }
  }
}

extension JSONObject.Member {
  fileprivate func level() throws(PluginError) -> Int {
    guard let level = value.integer, (0...9).contains(level) else {
      throw PluginError(.badOption, "option \"level\" must be a number from 0 to 9")
    }
    return Int(level)
  }

  fileprivate func diskFormat() throws(PluginError) -> Options.DiskFormat {
    guard let format = value.string.flatMap(Options.DiskFormat.init) else {
      throw PluginError(.badOption, "option \"disk-format\" must be vmdk or qcow2")
    }
    return format
  }
}
