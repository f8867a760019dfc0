import WriterKit

/// The options of vma.json.
struct Options {
  enum Compression: Equatable {
    case none
    /// 1…19
    case zstd(level: Int32)
    /// 1…12, of libdeflate
    case gzip(level: Int32)
  }

  var compression = Compression.none
  /// Complete `qemu-server.conf` and check the names of devices.
  var isForProxmox = false

  init(_ options: JSONObject) throws(PluginError) {
    for member in options.members {
      switch member.name {
      case "compress":
        guard let value = member.value.string.flatMap(Self.compression) else {
          throw Self.refusal(
            member, "none, zstd, zstd:1 to zstd:19, gzip, or gzip:1 to gzip:12")
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

  private static func compression(_ text: String) -> Compression? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2 else { return nil }
    var level: Int32?
    if parts.count == 2 {
      guard parts[1].allSatisfy({ $0.isASCII && $0.isNumber }), let given = Int32(parts[1]) else {
        return nil
      }
      level = given
    }
    switch parts[0] {
    case "none" where level == nil: return Compression.none
    case "zstd" where (1...19).contains(level ?? 3): return .zstd(level: level ?? 3)
    case "gzip" where (1...12).contains(level ?? 1): return .gzip(level: level ?? 1)
    default: return nil
    }
  }

  private static func refusal(_ member: JSONObject.Member, _ expected: String) -> PluginError {
    PluginError(.badOption, "option \"\(member.name)\" is not \(expected)")
  }
}
