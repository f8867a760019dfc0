import BackupProtocol
import Hashing
import WriterKit

/// The digests of an appliance's members: lines `SHA256(NAME)= HEX`.
struct ApplianceManifest {
  /// Bytes that are read: a line for each member, with names of 255 bytes.
  static let byteCountMax: UInt64 = 2 << 20

  struct Line {
    let algorithm: NamedHash.Algorithm
    let digest: [UInt8]
  }

  private(set) var lines: [String: Line] = [:]
  /// Every file that is named, with an algorithm that is known or not.
  private(set) var files: [String] = []

  init() {}

  /// - Throws: E_CORRUPT for lines that are none.
  init(parsing bytes: [UInt8], _ host: Host) throws(PluginError) {
    for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
      let text = String(decoding: line, as: UTF8.self).filter { $0 != "\t" }
      if text.allSatisfy({ $0 == " " }) { continue }
      try take(text, host)
    }
  }

  /// `SHA256(NAME)= HEX`, and `SHA256 (NAME) = HEX` as other programs have it.
  private mutating func take(_ text: String, _ host: Host) throws(PluginError) {
    guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close,
      let sign = text[close...].firstIndex(of: "=")
    else { throw PluginError(.corrupt, "the manifest (.mf) has a line that is none") }
    let name = try fileName(ofMember: String(text[text.index(after: open)..<close]))
    let word = text[..<open].filter { $0 != " " && $0 != "-" }.uppercased()
    guard !files.contains(name), files.count < 4096 else {
      throw PluginError(.corrupt, "the manifest (.mf) names \"\(name)\" twice, or too many files")
    }
    files.append(name)
    guard let algorithm = NamedHash.Algorithm(rawValue: word) else {
      host.log(.warning, "the digest of \"\(name)\" is of an unknown kind, and is not checked")
      return
    }
    let digits = text[text.index(after: sign)...].filter { $0 != " " }
    guard let digest = Self.bytes(digits), digest.count == algorithm.byteCount else {
      throw PluginError(.corrupt, "the manifest (.mf) has no proper digest of \"\(name)\"")
    }
    lines[name] = Line(algorithm: algorithm, digest: digest)
  }

  /// What hexadecimal digits, of either case, say.
  private static func bytes(_ digits: String) -> [UInt8]? {
    let values = digits.map { $0.isASCII ? $0.hexDigitValue : nil }
    guard values.count % 2 == 0, values.count <= 128, !values.contains(nil) else { return nil }
    return stride(from: 0, to: values.count, by: 2).map {
      UInt8(truncatingIfNeeded: values[$0]! << 4 | values[$0 + 1]!)
    }
  }
}

/// What is said of a member that is not what its manifest tells.
func damagedMember(_ name: String) -> PluginError {
  PluginError(.corrupt, "\"\(name)\" is damaged: the manifest (.mf) has another digest of it")
}
