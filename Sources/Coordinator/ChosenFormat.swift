internal import BackupProtocol
internal import JSON
internal import PluginHost

/// A format and the plugin that has it.
struct ChosenFormat {
  let plugin: InstalledPlugin
  let format: ManifestFormat

  /// What the plugin writes to: under a name a directory if it can, else a file.
  func outputKind(_ place: OutputPlace) throws(JobError) -> Job.OutputKind {
    guard place.isStream else {
      if format.outputs.contains(.directory) { return .directory }
      if format.outputs.contains(.file) { return .file }
      throw JobError(
        .unavailable, doing: "", "format \"\(format.name)\" can only be written to a pipe",
        hint: "write to standard output with --to \(format.name)=-")
    }
    guard format.outputs.contains(.pipe), !plugin.manifest.needs.contains(.seek) else {
      throw JobError(
        .unavailable, doing: "", "format \"\(format.name)\" cannot be written to a pipe",
        hint: "write it to a file or directory with --to \(format.name)=PATH")
    }
    return .pipe
  }

  func require(_ mode: Job.Mode) throws(JobError) {
    guard format.modes.contains(mode) else {
      throw JobError(
        .unavailable, doing: "",
        "plugin \"\(plugin.manifest.name)\" cannot \(mode.rawValue) the format \"\(format.name)\"")
    }
  }

  /// The options given for this output, checked against the manifest; absent ones at defaults.
  func options(_ given: [BackupRequest.Option]) throws(JobError) -> JSONObject {
    var options = JSONObject()
    for option in plugin.manifest.options where option.defaultValue != .null {
      options[option.name] = option.defaultValue
    }
    for option in given {
      guard let known = plugin.manifest.options.first(where: { $0.name == option.key }) else {
        throw JobError(
          .usage, doing: "", "format \"\(format.name)\" has no option \"\(option.key)\"",
          hint: "list its options with sluice plugin info \(format.name)")
      }
      guard let value = known.value(option.value) else {
        throw JobError(
          .usage, doing: "",
          "invalid value \"\(option.value)\" of option \(option.label).\(option.key): expected "
            + known.expectation)
      }
      options[option.key] = value
    }
    return options
  }
}
