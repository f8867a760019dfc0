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
    /// Another plugin is found first.
    case shadowed

    init(_ error: SandboxError) {
      self = error.isOfProfile ? .profile : error.isMissingInterpreter ? .interpreter : .program
    }
  }

  package let kind: Kind
  /// The sentence for people.
  package let text: String
  /// Formats for which it is missed: those that no plugin before it has.
  package private(set) var formats: Set<String>

  /// A manifest, or the program of one, that cannot be used.
  init(_ kind: Kind, _ manifest: String, _ name: String, _ cause: any Error, formats: Set<String>) {
    self.kind = kind
    self.formats = formats
    let reason = sanitised("\(cause)".utf8)
    let subject =
      kind == .manifest ? "manifest \(manifest)" : "plugin \"\(name)\" (\(manifest))"
    text = sanitised("\(subject) cannot be used: \(reason)".utf8)
  }

  /// A plugin, of which another is found first for these formats.
  init(_ plugin: InstalledPlugin, behind first: InstalledPlugin, formats: [String]) {
    kind = .shadowed
    self.formats = Set(formats)
    let names = formats.map { "\"\($0)\"" }.joined(separator: ", ")
    text = sanitised(
      """
      plugin "\(plugin.manifest.name)" (\(plugin.manifestPath)) is not used for the format \
      \(names): plugin "\(first.manifest.name)" (\(first.manifestPath)) is found first
      """.utf8)
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
