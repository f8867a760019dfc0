package import PluginHost
package import Sandbox

/// What every command needs to know of where it runs.
package struct Surroundings: Sendable {
  /// Path of `sluice-launcher`.
  package let launcher: String
  package let catalog: PluginCatalog
  package let sandbox: SandboxMode
  package let events: EventSink
  /// Where plugins that read an archive get a file for what does not fit into their memory.
  package var scratchDirectory = "/var/tmp"
  /// Seconds without progress after which a reader plugin times out.
  package var readerStallLimit = 600.0

  package init(places: PluginPlaces, sandbox: SandboxMode, events: @escaping EventSink) {
    launcher = places.launcher
    catalog = PluginCatalog(places.places)
    self.sandbox = sandbox
    self.events = events
  }

  /// The plugin and format of that name.
  ///
  /// - Throws: `JobError` naming the formats there are.
  func format(_ name: String) throws(JobError) -> ChosenFormat {
    guard let plugin = catalog.plugin(format: name), let format = plugin.format(name) else {
      let known = catalog.formatNames
      throw JobError(
        .unavailable, doing: "",
        "no plugin installed for format \"\(name)\"",
        hint: known.isEmpty
          ? "no plugins are installed; run sluice doctor"
          : "available formats: " + known.joined(separator: ", "))
    }
    return ChosenFormat(plugin: plugin, format: format)
  }
}
