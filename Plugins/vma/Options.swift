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
      case "compress":
        guard let value = member.value.string.flatMap(Compression.init(option:)) else {
          throw Self.refusal(member, Compression.expected)
        }
        compression = value
      case "proxmox":
        guard let value = member.value.bool else { throw Self.refusal(member, "true or false") }
        isForProxmox = value
      default:
        throw PluginError(.badOption, "vma has no option \"\(member.name)\"")
      }
    }
  }

  private static func refusal(_ member: JSONObject.Member, _ expected: String) -> PluginError {
    PluginError(.badOption, "option \"\(member.name)\" is not \(expected)")
  }
}
