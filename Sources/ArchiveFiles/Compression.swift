public import WriterKit

/// How an archive is compressed on its way to the target.
public enum Compression: Equatable, Sendable {
  case none
  /// 1…19
  case zstd(level: Int32)
  /// 1…12, of libdeflate
  case gzip(level: Int32)

  /// What an option may be, for people.
  public static let expected = "none, zstd, zstd:1 to zstd:19, gzip, or gzip:1 to gzip:12"

  /// - Parameter option: `none`, `zstd`, `zstd:LEVEL`, `gzip` or `gzip:LEVEL`.
  public init?(option: String) {
    let parts = option.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2 else { return nil }
    var level: Int32?
    if parts.count == 2 {
      guard parts[1].allSatisfy({ $0.isASCII && $0.isNumber }), let given = Int32(parts[1]) else {
        return nil
      }
      level = given
    }
    switch parts[0] {
    case "none" where level == nil: self = .none
    case "zstd" where (1...19).contains(level ?? 3): self = .zstd(level: level ?? 3)
    case "gzip" where (1...12).contains(level ?? 1): self = .gzip(level: level ?? 1)
    default: return nil
    }
  }

  /// The way to the target.
  ///
  /// - Throws: E_INTERNAL if threads or memory are not to be had.
  public func output(to target: PlainOutput) throws(PluginError) -> any ArchiveOutput {
    switch self {
    case .none: target
    case .zstd(let level):
      try CompressedOutput(.zstd(level: level, isAligned: target.goDirect()), target)
    case .gzip(let level): try CompressedOutput(.gzip(level: level), target)
    }
  }
}
