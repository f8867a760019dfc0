internal import BackupProtocol
internal import Sandbox
internal import System

/// Why a plugin that is installed is not used, for all or some of its formats: what `doctor` says,
/// and what is said where one of the formats is missed.
package struct PluginFault: Sendable {
  package enum Kind: Sendable {
    /// Its manifest cannot be read, or not be trusted.
    case manifest
    /// Its program cannot be started.
    case program
    /// Its manifest says something else than its program.
    case profile
    /// The interpreter of its script is not installed.
    case interpreter
    /// Its manifest needs a later version of this program.
    case host
    /// Another plugin is found first.
    case shadowed
    /// Another plugin has the same format, and neither is found first.
    case contested

    init(_ error: SandboxError) {
      self = error.isOfProfile ? .profile : error.isMissingInterpreter ? .interpreter : .program
    }
  }

  package let kind: Kind
  /// The sentence for people.
  package let text: String
  /// Formats for which it is missed: those that no plugin before it has.
  package private(set) var formats: Set<String>
  /// Of a contested format, the manifest of a plugin that could be chosen.
  package private(set) var manifest = ""

  /// A manifest that cannot be used.
  init(manifest path: String, _ cause: any Error, formats: Set<String>) {
    if case .host = cause as? ManifestError { kind = .host } else { kind = .manifest }
    self.formats = formats
    text = sanitised("manifest \(path) cannot be used: \(cause)".utf8)
  }

  /// A plugin whose program cannot be started.
  init(_ plugin: InstalledPlugin, _ cause: SandboxError) {
    kind = Kind(cause)
    formats = Set(plugin.manifest.formats.map(\.name))
    text = sanitised("\(plugin.words) cannot be used: \(cause)".utf8)
  }

  /// A plugin, of which another is found first for these formats.
  init(_ plugin: InstalledPlugin, behind first: InstalledPlugin, formats: [String]) {
    kind = .shadowed
    self.formats = Set(formats)
    let names = formats.map { "\"\($0)\"" }.joined(separator: ", ")
    text = sanitised(
      "\(plugin.words) is not used for the format \(names): \(first.words) is found first".utf8)
  }

  /// Two plugins that have a format, of which neither was chosen.
  init(_ plugin: InstalledPlugin, and other: InstalledPlugin, format: String) {
    kind = .contested
    formats = [format]
    manifest = plugin.manifestPath
    text = sanitised(
      "the format \"\(format)\" is claimed by \(plugin.words) and by \(other.words)".utf8)
  }

  /// Leaves out formats that are not missed.
  func missed(beside plugins: [InstalledPlugin]) -> PluginFault {
    var fault = self
    fault.formats = formats.filter { name in !plugins.contains { $0.format(name) != nil } }
    return fault
  }
}

extension PluginFault {
  /// Formats that a manifest which is not used may be about: what it says, if that can be read, and
  /// its file's name. For messages only.
  static func formats(ofManifest path: String) -> Set<String> {
    let name = splitPath(path).name
    let stem = name.hasSuffix(".json") ? String(name.dropLast(5)) : name
    guard
      let bytes = try? readSmallFile(path, limit: Manifest.byteCountMax),
      let manifest = try? Manifest(parsing: bytes)
    else { return [stem] }
    return Set(manifest.formats.map(\.name) + [stem])
  }
}

extension InstalledPlugin {
  /// As faults name it.
  fileprivate var words: String { "plugin \"\(manifest.name)\" (\(manifestPath))" }
}
