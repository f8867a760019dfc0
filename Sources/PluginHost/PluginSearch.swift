internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import Sandbox
internal import System

/// Why a path leads to no plugin.
package enum PluginSearchError: Error, Sendable, CustomStringConvertible {
  /// Nothing can be opened there.
  case missing(path: String, reason: String)
  /// The manifest is none, or may not be trusted.
  case manifest(path: String, reason: String)
  /// Its program cannot be run, or may not be trusted.
  case program(path: String, reason: String)
  /// No manifest in a directory or beside an executable, or more than one.
  case ambiguous(path: String, names: [String])

  package var description: String {
    switch self {
    case .missing(let path, let reason): "cannot open \(path): \(reason)"
    case .manifest(let path, let reason): "manifest \(path) cannot be used: \(reason)"
    case .program(let path, let reason): "plugin \(path) cannot be run: \(reason)"
    case .ambiguous(let path, let names) where names.isEmpty:
      "no manifest (*.json) belongs to \(path)"
    case .ambiguous(let path, let names):
      "several manifests belong to \(path): \(names.joined(separator: ", "))"
    }
  }
}

extension InstalledPlugin {
  /// The plugin that a path means: a manifest, an executable beside its manifest, or a directory
  /// with one.
  ///
  /// - Parameter places: Of this installation; in its build tree executables do not lie beside the
  ///   manifests.
  package static func find(
    _ path: String, places: [PluginPlace], host: String
  ) throws(PluginSearchError) -> InstalledPlugin {
    let known = PluginCatalog(places, host: host).plugins
    let real: String
    let status: FileStatus
    do throws(SystemCallError) {
      real = try realPath(path)
      status = try FileStatus(path: real)
    } catch { throw .missing(path: path, reason: errnoText(error.code)) }
    if status.kind == .directory {
      return try only(manifests(in: real), of: path, known)
    }
    if real.hasSuffix(".json") { return try runnable(real, known) }
    if let found = known.first(where: { (try? realPath($0.executable)) == real }) { return found }
    let beside = manifests(in: splitPath(real).directory).filter { manifest in
      let found = try? plugin(manifest, known)
      return found.map { (try? realPath($0.executable)) == real } ?? false
    }
    return try only(beside, of: path, known)
  }

  private static func manifests(in directory: String) -> [String] {
    ((try? listDirectory(directory)) ?? []).filter { $0.hasSuffix(".json") }
      .map { directory + "/" + $0 }
  }

  private static func only(
    _ manifests: [String], of path: String, _ known: [InstalledPlugin]
  ) throws(PluginSearchError) -> InstalledPlugin {
    guard let first = manifests.first, manifests.count == 1 else {
      throw .ambiguous(path: path, names: manifests.map { splitPath($0).name })
    }
    return try runnable(first, known)
  }

  /// - Throws: `.program` unless what the manifest names can be started.
  private static func runnable(
    _ path: String, _ known: [InstalledPlugin]
  ) throws(PluginSearchError) -> InstalledPlugin {
    let found = try plugin(path, known)
    do throws(SandboxError) { try PluginProgram.check(found) } catch {
      throw .program(path: found.executable, reason: "\(error)")
    }
    return found
  }

  private static func plugin(
    _ path: String, _ known: [InstalledPlugin]
  ) throws(PluginSearchError) -> InstalledPlugin {
    let manifest: Manifest
    do {
      let file = try openTrustedFile(path)
      let bytes = try readBytes(file.raw, at: 0, count: Manifest.byteCountMax + 1)
      manifest = try Manifest(parsing: bytes)
    } catch { throw .manifest(path: path, reason: "\(error)") }
    let beside = splitPath(path).directory + "/" + manifest.executable
    if unsafe clinux_access(beside, F_OK) < 0,
      let found = known.first(where: { (try? realPath($0.manifestPath)) == path })
    {
      return found
    }
    return InstalledPlugin(
      manifest: manifest, manifestPath: path, executable: beside, rank: 0)
  }
}
