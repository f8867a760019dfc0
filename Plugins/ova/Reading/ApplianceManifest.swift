import Hashing
import OVFFormat
import WriterKit

/// The digests of an appliance's members, by name.
struct ApplianceManifest {
  /// Bytes that are read: a line for each member, with names of 255 bytes.
  static let byteCountMax: UInt64 = 2 << 20

  struct Line {
    let algorithm: NamedHash.Algorithm
    let digest: [UInt8]
  }

  /// Of a file there may be several, each with an algorithm of its own.
  private(set) var lines: [String: [Line]] = [:]
  /// Every file that is named, with an algorithm that is known or not.
  private(set) var files: [String] = []
  /// Files whose digests are of a kind that is not known.
  private var unknown: [String] = []
  private var isAsWritten = true
  /// Whether it has a line for itself, with a digest that no file can contain of itself.
  private var listsItself = false

  init() {}

  /// - Parameter name: Of its own member.
  /// - Throws: E_CORRUPT for lines that are none.
  init(parsing bytes: [UInt8], of name: String?) throws(PluginError) {
    let manifest: OVFManifest
    do throws(OVFError) { manifest = try OVFManifest(parsing: bytes) } catch {
      throw PluginError(.corrupt, "\(error)")
    }
    isAsWritten = manifest.isAsWritten
    var known: Set<String> = []
    for line in manifest.lines {
      let file = try fileName(ofMember: line.file)
      if file == name {
        listsItself = true
        continue
      }
      let kind = line.algorithm?.rawValue ?? "unknown"
      guard known.insert("\(kind)/\(file)").inserted, files.count < 4096 else {
        throw PluginError(
          .corrupt, "the manifest (.mf) lists \"\(file)\" twice, or too many files")
      }
      if known.insert(file).inserted { files.append(file) }
      if let algorithm = line.algorithm {
        lines[file, default: []].append(Line(algorithm: algorithm, digest: line.digest))
      } else {
        unknown.append(file)
      }
    }
  }

  /// In an appliance of others a digest that cannot be checked is no fault.
  func warnOfUnchecked(_ host: Host) {
    if listsItself {
      host.log(.warning, "the manifest (.mf) has a digest of itself: not checked")
    }
    for name in unknown {
      host.log(.warning, "the digest of \"\(name)\" is of an unknown kind: not checked")
    }
  }

  /// In one of ours it is damage, as is everything else that we do not write: no receipt has
  /// digests of descriptor and manifest, so that each byte of the manifest has to tell for itself.
  func requireOurs() throws(PluginError) {
    if let name = unknown.first {
      throw PluginError(
        .corrupt, "the manifest (.mf) is damaged: unknown kind of digest of \"\(name)\"")
    }
    guard isAsWritten, !listsItself else {
      throw PluginError(.corrupt, "the manifest (.mf) is damaged: unexpected content")
    }
  }
}

/// What is said of a member that is not what its manifest tells.
func damagedMember(_ name: String) -> PluginError {
  PluginError(.corrupt, "\"\(name)\" is damaged: it does not match the manifest (.mf)")
}
