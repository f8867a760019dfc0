package import BackupProtocol
internal import CLinux
internal import Glibc
internal import Sandbox
internal import System

/// A plugin that was found: its manifest, and the executable that it names.
package struct InstalledPlugin: Sendable {
  package let manifest: Manifest
  package let manifestPath: String
  /// Absolute path; whether it may be trusted is decided when it is opened.
  package let executable: String

  /// The format of that name, if the plugin has it.
  package func format(_ name: String) -> ManifestFormat? {
    manifest.formats.first { $0.name == name }
  }
}

/// Every plugin of the search path; the first of a name wins.
///
/// Only manifests are read: no plugin is ever run to learn what it is.
/// Specified in protocol.md §2.3.
package struct PluginCatalog: Sendable {
  package private(set) var plugins: [InstalledPlugin] = []
  /// What is there and not used, in the order of the search.
  package private(set) var faults: [PluginFault] = []

  /// Reads the manifests `NAME.json` of each directory, in order.
  package init(_ places: [PluginPlace]) {
    for place in places {
      for path in place.manifests() { add(path, place) }
    }
  }

  /// The plugin that writes and reads a format.
  package func plugin(format: String) -> InstalledPlugin? {
    plugins.first { $0.format(format) != nil }
  }

  /// Names of all formats, sorted.
  package var formatNames: [String] {
    Set(plugins.flatMap { $0.manifest.formats.map(\.name) }).sorted()
  }

  /// Why a plugin is not used that may have this format.
  package func faults(format: String) -> [PluginFault] {
    faults.filter { $0.formats.contains(format) }
  }

  private mutating func add(_ path: String, _ place: PluginPlace) {
    let manifest: Manifest
    do { manifest = try Self.read(path) } catch {
      let formats = PluginFault.formats(ofManifest: path)
      faults.append(
        PluginFault(.manifest, path, "", error, formats: formats).missed(beside: plugins))
      return
    }
    let plugin = InstalledPlugin(
      manifest: manifest, manifestPath: path,
      executable: place.executable(manifest.executable, beside: path))
    do throws(SandboxError) { _ = try PluginProgram(plugin) } catch {
      let formats = Set(manifest.formats.map(\.name))
      faults.append(
        PluginFault(.init(error), path, manifest.name, error, formats: formats)
          .missed(beside: plugins))
      return
    }
    noteShadows(plugin)
    guard !plugins.contains(where: { $0.manifest.name == manifest.name }) else { return }
    plugins.append(plugin)
  }

  /// A plugin hides others of its name altogether, and others' formats of the same names.
  private mutating func noteShadows(_ plugin: InstalledPlugin) {
    // A directory that is searched twice holds nothing new.
    let path = try? realPath(plugin.manifestPath)
    guard !plugins.contains(where: { (try? realPath($0.manifestPath)) == path }) else { return }
    let names = plugin.manifest.formats.map(\.name)
    if let same = plugins.first(where: { $0.manifest.name == plugin.manifest.name }) {
      faults.append(PluginFault(plugin, behind: same, formats: names))
      return
    }
    for name in names {
      guard let first = self.plugin(format: name) else { continue }
      faults.append(PluginFault(plugin, behind: first, formats: [name]))
    }
  }

  /// A manifest says how much its plugin may take: it is trusted like an executable, or not at all.
  private static func read(_ path: String) throws -> Manifest {
    let file = try openTrustedFile(path)
    let bytes = try readBytes(file.raw, at: 0, count: Manifest.byteCountMax + 1)
    return try Manifest(parsing: bytes)
  }
}

/// A directory that may hold manifests.
package struct PluginPlace: Sendable {
  package let directory: String
  /// In a build tree executables lie here and not beside the manifests.
  package let executableDirectory: String?

  package init(directory: String, executableDirectory: String? = nil) {
    self.directory = directory
    self.executableDirectory = executableDirectory
  }

  /// Manifests of this place, by name: `*.json`, or `*/*.json` in a build tree.
  func manifests() -> [String] {
    let names = (try? listDirectory(directory)) ?? []
    guard executableDirectory != nil else {
      return names.filter { $0.hasSuffix(".json") }.map { directory + "/" + $0 }
    }
    return names.map { "\(directory)/\($0)/\($0).json" }.filter {
      unsafe clinux_access($0, R_OK) == 0
    }
  }

  func executable(_ name: String, beside manifest: String) -> String {
    if let executableDirectory { return executableDirectory + "/" + name }
    return directory + "/" + name
  }
}
