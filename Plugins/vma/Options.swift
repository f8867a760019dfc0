import ArchiveFiles
import WriterKit

/// The options of vma.json.
struct Options {
  var compression = Compression.none
  /// Complete `qemu-server.conf` and check the names of devices.
  var isForProxmox = false

  init(_ options: JSONObject) throws(PluginError) {
    for member in options.members {
      switch member.name {
      case "compress": compression = try member.compression()
      case "proxmox": isForProxmox = try member.flag()
      default:
        throw PluginError(.badOption, "vma has no option \"\(member.name)\"")
      }
    }
  }
}
