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
  /// Seconds of standstill after which a plugin that reads an archive is given up.
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
        "no plugin for the format \"\(name)\" is installed",
        hint: known.isEmpty
          ? "no plugin is installed at all: see sluice doctor"
          : "there are: " + known.joined(separator: ", "))
    }
    return ChosenFormat(plugin: plugin, format: format)
  }
}
