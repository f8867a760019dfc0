import RawFormat
import WriterKit

/// The options of raw.json.
struct Options {
  /// List disks in SHA256SUMS.
  var listsDisks = false
  var direct = OutputFile.Direct.auto

  init(_ options: JSONObject) throws(PluginError) {
    for member in options.members {
      switch member.name {
      case "sha256sums":
        guard let value = member.value.bool else { throw Self.refusal(member, "true or false") }
        listsDisks = value
      case "direct":
        guard let value = member.value.string.flatMap(OutputFile.Direct.init) else {
          throw Self.refusal(member, "auto, on or off")
        }
        direct = value
      default:
        throw PluginError(.badOption, "raw has no option \"\(member.name)\"")
      }
    }
  }

  private static func refusal(_ member: JSONObject.Member, _ expected: String) -> PluginError {
    PluginError(.badOption, "option \"\(member.name)\" must be \(expected)")
  }
}
