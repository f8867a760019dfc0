import ArchiveFiles
import WriterKit

/// The options of ova.json, each of which belongs to one format.
///
/// A host tells those at their defaults too: of the other format they mean nothing.
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
      switch member.name {
      case "level": level = try member.level()
      case "disk-format": diskFormat = try member.diskFormat()
      case "compress": compression = try member.compression()
      case "sha256sums": listsDisks = try member.flag()
      default:
        throw PluginError(.badOption, "\(format) has no option \"\(member.name)\"")
      }
    }
    try format == "ova" ? checkAppliance() : checkTar()
  }

  private func checkAppliance() throws(PluginError) {
    guard compression == .none else {
      throw PluginError(
        .badOption,
        "\"compress\" is an option of tar: an ova must not be compressed as a whole; "
          + "use \"level\" to compress its disks")
    }
    guard !listsDisks else {
      throw PluginError(
        .badOption, "\"sha256sums\" is an option of tar: the manifest of an ova lists all members")
    }
  }

  private func checkTar() throws(PluginError) {
    guard level == nil else {
      throw PluginError(.badOption, "\"level\" is an option of ova; use \"compress\" with tar")
    }
    guard diskFormat == .vmdk else {
      throw PluginError(.badOption, "\"disk-format\" is an option of ova: disks of a tar are raw")
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
