package import BackupProtocol

/// A plugin that was found: its manifest, and the executable that it names.
package struct InstalledPlugin: Sendable {
  package let manifest: Manifest
  package let manifestPath: String
  /// Absolute path; whether it may be trusted is decided when it is opened.
  package let executable: String
  /// How deliberately it was chosen: see ``PluginPlace/rank``.
  let rank: Int

  /// The format of that name, if the plugin has it.
  package func format(_ name: String) -> ManifestFormat? {
    manifest.formats.first { $0.name == name }
  }
}
