/// Why a manifest is not usable.
public enum ManifestError: Error, Equatable, Sendable {
  case malformed(String)
  /// A member that is absent or of the wrong kind.
  case member(String)
  /// Something the plugin requires and this host does not know.
  case required(String)
  /// A plugin that needs a later version of the host.
  case host(needed: ReleaseVersion, is: ReleaseVersion)
  /// A profile of scripts without an interpreter, or another profile with one.
  case interpreter(of: Manifest.Profile)
  /// A list of programs in the manifest of a plugin that starts none.
  case commands(of: Manifest.Profile)
  /// A receipt of another version of the schema, and the programs that made the archive.
  case version(Int64, tools: [String])
  /// A receipt with digests of an algorithm that is not known.
  case algorithm(String, tools: [String])
}

extension ManifestError: CustomStringConvertible {
  /// The predicate of a sentence about a manifest.
  public var description: String {
    switch self {
    case .malformed(let reason): "not a manifest: \(reason)"
    case .version(let found, let tools):
      "its version is \(found), and this program knows version \(Receipt.version) only"
        + Self.makers(tools)
    case .algorithm(let name, let tools):
      "its digests are \"\(name)\", which this program does not know" + Self.makers(tools)
    case .member("executable"): "\"executable\" is not a path relative to the manifest"
    case .member("interpreter"): "\"interpreter\" is not an absolute path"
    case .member("profile"):
      "\"profile\" is none of "
        + Manifest.Profile.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    case .member("min_host"): "\"min_host\" is not a version of three numbers, such as \"1.0.0\""
    case .host(let needed, let own): "it needs Sluice \(needed) or later, and this is \(own)"
    case .interpreter(let profile) where profile.isInterpreted:
      "its profile \"\(profile.rawValue)\" needs \"interpreter\": the path of the program that "
        + "runs its executable"
    case .interpreter(let profile):
      "\"interpreter\" goes with the profile \"python\", \"perl\" or \"commands\", not with "
        + "\"\(profile.rawValue)\""
    case .commands(let profile):
      "\"commands\" goes with the profile \"commands\", not with \"\(profile.rawValue)\""
    case .member("commands"):
      "\"commands\" is not a list of at most \(Manifest.commandCountMax) absolute paths"
    case .member("options"): "\"options\" is malformed, or not a member of a format"
    case .member(let name): "no proper \"\(name)\""
    case .required(let name): "requires \"\(name)\", which this version does not know"
    }
  }
}

extension ManifestError {
  /// What a decoder says of a manifest or receipt.
  init(_ error: WireError) {
    switch error {
    case .json(_, let reason): self = .malformed(reason)
    case .oversized: self = .malformed("longer than \(Manifest.byteCountMax) bytes")
    case .member(_, let name): self = .member(name)
    case .required(let name): self = .required(name)
    default: self = .malformed("\(error)")
    }
  }

  private static func makers(_ tools: [String]) -> String {
    tools.isEmpty ? "" : "; it was made by \(tools.joined(separator: " and "))"
  }

  /// Whether another version of the program may be able to read it.
  public var isOfAnotherVersion: Bool {
    switch self {
    case .version, .algorithm: true
    default: false
    }
  }
}
