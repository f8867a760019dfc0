internal import BackupProtocol
internal import PluginHost
internal import System

/// The plugin that takes everything and writes nothing: what host and protocol alone allow.
enum NullWriter {
  private static let program = "sluice-null-writer"

  /// As Sources/sluice-null-writer says it of itself.
  private static let manifest = """
    {"manifest": 1, "name": "null", "version": "0.1.0", "executable": "\(program)",
     "protocol": [1],
     "formats": [{"name": "null", "help": "nothing at all", "extensions": [], "modes": ["write"],
                  "output": ["file"], "streams": ["disk", "config", "vmstate"]}]}
    """

  /// - Parameter launcher: Beside which it lies.
  static func plugin(launcher: String) throws(ManifestError) -> InstalledPlugin {
    let path = splitPath(launcher).directory + "/" + program
    return InstalledPlugin(
      try Manifest(parsing: Array(manifest.utf8)), executable: (try? realPath(path)) ?? path)
  }
}
