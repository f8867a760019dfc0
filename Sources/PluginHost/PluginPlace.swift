internal import CLinux
internal import Glibc
internal import System

/// Where manifests may be: a directory, or one manifest.
package struct PluginPlace: Sendable {
  /// How deliberately it was named: lower ranks are searched first, and win. Places of one rank are
  /// equals.
  package let rank: Int
  private let path: String
  private let isManifest: Bool
  /// In a build tree executables lie here and not beside the manifests.
  private let executableDirectory: String?

  /// A directory.
  package init(directory: String, executableDirectory: String? = nil, rank: Int = 0) {
    (path, isManifest) = (directory, false)
    self.executableDirectory = executableDirectory
    self.rank = rank
  }

  /// What a user names: a directory, or the manifest of one plugin, whose name ends in `.json`.
  package init(named name: String, rank: Int) {
    // An executable is only trusted by an absolute path; a place that is not there holds none.
    path = (try? realPath(name)) ?? absolutePath(name)
    isManifest = name.hasSuffix(".json") && (try? FileStatus(path: path).kind) != .directory
    executableDirectory = nil
    self.rank = rank
  }

  package var directory: String { isManifest ? splitPath(path).directory : path }

  /// Manifests of this place, by name: `*.json`, or `*/*.json` in a build tree.
  func manifests() -> [String] {
    if isManifest { return [path] }
    let names = (try? listDirectory(path)) ?? []
    guard executableDirectory != nil else {
      return names.filter { $0.hasSuffix(".json") }.map { path + "/" + $0 }
    }
    return names.map { "\(path)/\($0)/\($0).json" }.filter {
      unsafe clinux_access($0, R_OK) == 0
    }
  }

  func executable(_ name: String, beside manifest: String) -> String {
    if let executableDirectory { return executableDirectory + "/" + name }
    return directory + "/" + name
  }
}
