package import BackupProtocol
package import JSON
package import PluginHost
package import Requests

/// A format and the plugin that has it.
package struct ChosenFormat {
  package let plugin: InstalledPlugin
  package let format: ManifestFormat
  /// Other plugins that may have it, and are not used.
  let faults: [PluginFault]

  package init(plugin: InstalledPlugin, format: ManifestFormat, faults: [PluginFault]) {
    self.plugin = plugin
    self.format = format
    self.faults = faults
  }

  /// What the plugin writes to: under a name a directory if it can, else a file.
  package func outputKind(_ place: OutputPlace) throws(JobError) -> Job.OutputKind {
    guard place.isStream else {
      if format.outputs.contains(.directory) { return .directory }
      if format.outputs.contains(.file) { return .file }
      throw JobError(
        .unavailable, "format \"\(format.name)\" can only be written to a pipe",
        hint: .streamOutput(format: format.name))
    }
    guard format.outputs.contains(.pipe), !plugin.manifest.needs.contains(.seek) else {
      throw JobError(
        .unavailable, "format \"\(format.name)\" cannot be written to a pipe",
        hint: .nameOutput(format: format.name))
    }
    return .pipe
  }

  package func require(_ mode: Job.Mode) throws(JobError) {
    guard format.modes.contains(mode) else {
      throw JobError(
        .unavailable,
        "plugin \"\(plugin.manifest.name)\" cannot \(mode.rawValue) the format \"\(format.name)\""
          + faults.map { "; \($0.text)" }.joined(),
        hint: faults.first?.remedy)
    }
  }

  /// Refuses a kind of streams that an archive of the format cannot hold.
  package func requireStreams(
    _ kind: StreamDescription.Kind, _ catalog: PluginCatalog
  ) throws(JobError) {
    guard !format.streams.contains(kind) else { return }
    let others = catalog.formats(holding: kind)
    throw JobError(
      .unavailable, "format \"\(format.name)\" cannot hold \(kind.words)",
      hint: others.isEmpty
        ? nil : .text("formats that can: " + others.joined(separator: ", ")))
  }

  /// The options given for this output, checked against the manifest; absent ones at defaults, or
  /// as the archive's name has it.
  package func options(
    _ given: [BackupRequest.Option], for place: OutputPlace
  ) throws(JobError) -> JSONObject {
    var options = JSONObject()
    for option in format.options where option.defaultValue != .null {
      options[option.name] = option.defaultValue
    }
    if let compression = compression(of: place) { options[Self.compress] = compression }
    for option in given {
      guard let known = format.options.first(where: { $0.name == option.key }) else {
        throw JobError(
          .usage, "format \"\(format.name)\" has no option \"\(option.key)\"",
          hint: .listOptions(format: format.name))
      }
      guard let value = known.value(option.value) else {
        throw JobError(
          .usage,
          "invalid value \"\(option.value)\" of option \(option.label).\(option.key): expected "
            + known.expectation)
      }
      options[option.key] = value
    }
    return options
  }

  /// The option of a format that compresses its archives.
  private static let compress = "compress"
  private static let compressions = [".zst": "zstd", ".gz": "gzip", ".tgz": "gzip"]

  /// How an archive is compressed by its name, if the format has such names and compresses:
  /// otherwise `x.vma.zst` would be a plain archive, without a warning.
  private func compression(of place: OutputPlace) -> JSONValue? {
    guard case .path(let pattern) = place,
      format.extensions.contains(where: { pattern.text.hasSuffix(".\($0)") }),
      format.options.contains(where: {
        $0.name == Self.compress && $0.defaultValue == .string("none")
      })
    else { return nil }
    return Self.compressions.first { pattern.text.hasSuffix($0.key) }.map { .string($0.value) }
  }
}

extension StreamDescription.Kind {
  /// What a stream of the kind is, for people.
  fileprivate var words: String {
    switch self {
    case .disk: "disks"
    case .config: "configurations"
    case .vmstate: "the state of a running machine"
    }
  }
}
