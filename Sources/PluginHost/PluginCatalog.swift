package import BackupProtocol
internal import Sandbox
internal import System

/// Every plugin of the search path.
///
/// A place that is searched earlier was named more deliberately: its plugins hide later ones of
/// their names altogether, and of others the formats of the same names. Among the plugins of one
/// rank nobody has chosen: a format that two of them have belongs to neither.
///
/// Only manifests are read: no plugin is ever run to learn what it is.
/// Specified in protocol.md §2.3, and in docs/plugins.md.
package struct PluginCatalog: Sendable {
  package private(set) var plugins: [InstalledPlugin] = []
  /// What is there and not used, in the order of the search.
  package private(set) var faults: [PluginFault] = []
  private let host: ReleaseVersion?

  /// Reads the manifests of each place, in order.
  ///
  /// - Parameter host: Version of this program, for plugins that need a later one.
  package init(_ places: [PluginPlace], host: String) {
    self.host = ReleaseVersion(host)
    for place in places {
      for path in place.manifests() { add(path, place) }
    }
  }

  /// The plugin that writes and reads a format; the first of its rivals, if it has some.
  package func plugin(format: String) -> InstalledPlugin? {
    plugins.first { $0.format(format) != nil }
  }

  /// Plugins that have a format with equal right, if there are several: none of them is used.
  package func rivals(format: String) -> [InstalledPlugin] {
    guard let first = plugin(format: format) else { return [] }
    let rivals = plugins.filter { $0.rank == first.rank && $0.format(format) != nil }
    return rivals.count > 1 ? rivals : []
  }

  /// Names of all formats, sorted.
  package var formatNames: [String] {
    Set(plugins.flatMap { $0.manifest.formats.map(\.name) }).sorted()
  }

  /// Names of the formats whose archives can hold a kind of streams, sorted.
  package func formats(holding kind: StreamDescription.Kind) -> [String] {
    let formats = plugins.flatMap(\.manifest.formats)
    return formatNames.filter { name in
      formats.first { $0.name == name }?.streams.contains(kind) ?? false
    }
  }

  /// Why a plugin is not used that may have this format.
  package func faults(format: String) -> [PluginFault] {
    faults.filter { $0.formats.contains(format) }
  }
}

extension PluginCatalog {
  private mutating func add(_ path: String, _ place: PluginPlace) {
    let manifest: Manifest
    do { manifest = try read(path) } catch {
      let formats = PluginFault.formats(ofManifest: path)
      faults.append(PluginFault(manifest: path, error, formats: formats).missed(beside: plugins))
      return
    }
    let plugin = InstalledPlugin(
      manifest: manifest, manifestPath: path,
      executable: place.executable(manifest.executable, beside: path), rank: place.rank)
    do throws(SandboxError) { try PluginProgram.check(plugin) } catch {
      faults.append(PluginFault(plugin, error).missed(beside: plugins))
      return
    }
    // A manifest that is found twice says nothing new.
    guard !plugins.contains(where: { $0.isSame(as: plugin) }) else { return }
    if let same = plugins.first(where: { plugin.isHidden(by: $0) }) {
      let names = manifest.formats.map(\.name)
      faults.append(PluginFault(plugin, behind: same, formats: names))
      return
    }
    noteRivals(plugin)
    plugins.append(plugin)
  }

  private mutating func noteRivals(_ plugin: InstalledPlugin) {
    for name in plugin.manifest.formats.map(\.name) {
      guard let first = self.plugin(format: name) else { continue }
      faults.append(
        first.rank == plugin.rank
          ? PluginFault(first, and: plugin, format: name)
          : PluginFault(plugin, behind: first, formats: [name]))
    }
  }

  /// A manifest says how much its plugin may take: it is trusted like an executable, or not at all.
  private func read(_ path: String) throws -> Manifest {
    let file = try openTrustedFile(path)
    let bytes = try readBytes(file.raw, at: 0, count: Manifest.byteCountMax + 1)
    return try Manifest(parsing: bytes, host: host)
  }
}

extension InstalledPlugin {
  fileprivate func isSame(as other: InstalledPlugin) -> Bool {
    (try? realPath(manifestPath)) == (try? realPath(other.manifestPath))
  }

  /// Whether another plugin of this name takes its place: one that was named more deliberately, or
  /// a copy of this one in another directory of packages.
  fileprivate func isHidden(by other: InstalledPlugin) -> Bool {
    guard manifest.name == other.manifest.name else { return false }
    return other.rank < rank
      || manifest.vendor == other.manifest.vendor && directory != other.directory
  }

  private var directory: String { splitPath(manifestPath).directory }
}
