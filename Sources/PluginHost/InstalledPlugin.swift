package import BackupProtocol

/// A plugin that was found: its manifest, and the executable that it names.
package struct InstalledPlugin: Sendable {
  package let manifest: Manifest
  package let manifestPath: String
  /// Absolute path; whether it may be trusted is decided when it is opened.
  package let executable: String
  /// How deliberately it was chosen: see ``PluginPlace/rank``.
  let rank: Int

  /// A program of this installation itself, which no place lists.
  package init(_ manifest: Manifest, executable: String) {
    (self.manifest, self.executable) = (manifest, executable)
    (manifestPath, rank) = (executable, 0)
  }

  init(manifest: Manifest, manifestPath: String, executable: String, rank: Int) {
    (self.manifest, self.manifestPath) = (manifest, manifestPath)
    (self.executable, self.rank) = (executable, rank)
  }

  /// The format of that name, if the plugin has it.
  package func format(_ name: String) -> ManifestFormat? {
    manifest.formats.first { $0.name == name }
  }
}
