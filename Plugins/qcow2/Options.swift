import DiskFormats
import WriterKit

/// The options of qcow2.json.
struct Options {
  /// How clusters are compressed; `nil` leaves them as they are.
  var method: QCOW2Codec.Method?

  init(_ options: JSONObject) throws(PluginError) {
    for member in options.members {
      guard member.name == "compress" else {
        throw PluginError(.badOption, "qcow2 has no option \"\(member.name)\"")
      }
      let word = member.value.string
      method = word.flatMap(QCOW2Codec.Method.init)
      guard method != nil || word == "none" else {
        throw PluginError(.badOption, "option \"compress\" must be none, zstd or zlib")
      }
    }
  }
}
