package import BackupProtocol
package import PluginHost
package import Requests
package import Sandbox

/// What every command needs to know of where it runs.
package struct Surroundings: Sendable {
  /// Path of `sluice-launcher`.
  package let launcher: String
  package let catalog: PluginCatalog
  package let sandbox: SandboxMode
  package let events: EventSink
  /// Where plugins that read an archive get a file for what does not fit into their memory.
  package var scratchDirectory = Defaults.scratchDirectory
  /// Seconds without progress after which a reader plugin times out.
  package var readerStallLimit = Defaults.stallLimit
  /// Who hears the frames of all plugins.
  package var listeners = SessionListeners()

  package init(places: PluginPlaces, sandbox: SandboxMode, events: @escaping EventSink) {
    launcher = places.launcher
    catalog = PluginCatalog(places.places, host: ownVersion)
    self.sandbox = sandbox
    self.events = events
  }

  /// The same for the reader of a parent.
  ///
  /// - Parameter depth: How many archives of the chain lie above it, besides those that lie above
  ///   what is read now.
  package func reading(depth: Int) -> Surroundings {
    var surroundings = self
    surroundings.listeners.depth += depth
    return surroundings
  }

  /// The plugin and format of that name; warns if another plugin was to have it.
  ///
  /// - Throws: `JobError` naming the formats there are.
  package func format(_ name: String) throws(JobError) -> ChosenFormat {
    let chosen = try catalog.chosen(format: name)
    tellFaults(chosen)
    return chosen
  }

  /// A format that was recognised, and its plugin; warns as ``format(_:)`` does.
  ///
  /// - Throws: `JobError` if another plugin has as much right to the format.
  package func chosen(
    _ format: ManifestFormat, of plugin: InstalledPlugin
  ) throws(JobError) -> ChosenFormat {
    if let contest = catalog.contest(format: format.name) { throw contest }
    let chosen = ChosenFormat(
      plugin: plugin, format: format, faults: catalog.faults(format: format.name))
    tellFaults(chosen)
    return chosen
  }

  /// Warns of plugins that come before the chosen one and cannot be used.
  private func tellFaults(_ chosen: ChosenFormat) {
    for fault in chosen.faults where ![.shadowed, .contested].contains(fault.kind) {
      events(
        .warning(
          "\(fault.text); using plugin \"\(chosen.plugin.manifest.name)\" "
            + "(\(chosen.plugin.manifestPath))"))
    }
  }
}

extension PluginCatalog {
  /// The plugin and format of that name.
  ///
  /// - Throws: `JobError` naming the formats there are, or the plugins that claim it.
  package func chosen(format name: String) throws(JobError) -> ChosenFormat {
    if let contest = contest(format: name) { throw contest }
    guard let plugin = plugin(format: name), let format = plugin.format(name) else {
      throw missing(format: name)
    }
    return ChosenFormat(plugin: plugin, format: format, faults: faults(format: name))
  }

  /// Several plugins have a format with equal right: in the words of `doctor`.
  func contest(format name: String) -> JobError? {
    guard !rivals(format: name).isEmpty else { return nil }
    let contests = faults(format: name).filter { $0.kind == .contested }
    return JobError(
      .unavailable, contests.map(\.text).joined(separator: "; "), hint: contests.first?.remedy)
  }

  /// No plugin has a format, and why not: in the words of `doctor`.
  private func missing(format name: String) -> JobError {
    let (known, faults) = (formatNames, faults(format: name))
    let reasons = faults.map { ": \($0.text)" }.joined()
    return JobError(
      .unavailable, "no plugin installed for format \"\(name)\"" + reasons,
      hint: faults.first?.remedy
        ?? (known.isEmpty
          ? .noPlugins : .text("available formats: " + known.joined(separator: ", "))))
  }
}

extension PluginFault {
  /// What to do about it.
  package var remedy: Remedy {
    switch kind {
    case .manifest: "repair or remove the manifest"
    case .program: "reinstall the plugin"
    case .profile: "change the manifest"
    case .interpreter: "install what it names"
    case .host: "update Sluice"
    case .shadowed: .choosePlugin
    case .contested: .chooseRival(manifest: manifest)
    }
  }
}
