import ArchiveFiles
import WriterKit

/// The options of ova.json.
struct Options {
  var compression = Compression.none
  /// List disks in SHA256SUMS.
  var listsDisks = false

  init(_ options: JSONObject, format: String) throws(PluginError) {
    for member in options.members {
      switch member.name {
      case "compress": compression = try member.compression()
      case "sha256sums": listsDisks = try member.flag()
      default:
        throw PluginError(.badOption, "\(format) has no option \"\(member.name)\"")
      }
    }
  }
}
