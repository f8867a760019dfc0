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
      case "compress":
        guard let value = member.value.string.flatMap(Compression.init(option:)) else {
          throw Self.refusal(member, Compression.expected)
        }
        compression = value
      case "sha256sums":
        guard let value = member.value.bool else { throw Self.refusal(member, "true or false") }
        listsDisks = value
      default:
        throw PluginError(.badOption, "\(format) has no option \"\(member.name)\"")
      }
    }
  }

  private static func refusal(_ member: JSONObject.Member, _ expected: String) -> PluginError {
    PluginError(.badOption, "option \"\(member.name)\" is not \(expected)")
  }
}
