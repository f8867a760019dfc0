internal import BackupProtocol
internal import JSON
internal import PluginHost
internal import System

/// An archive format and its plugin, as `sluice plugin` shows them.
struct FormatDescription {
  let format: ManifestFormat
  private let plugin: InstalledPlugin

  init(_ format: ManifestFormat, of plugin: InstalledPlugin) {
    self.format = format
    self.plugin = plugin
  }

  private var modes: [String] { format.modes.map(\.rawValue) }
  private var outputs: [String] { format.outputs.map(\.rawValue) }
  private var streams: [String] { format.streams.map(\.rawValue) }
  private var executable: String { (try? realPath(plugin.executable)) ?? plugin.executable }
}

// For people

extension FormatDescription {
  /// One line of `sluice plugin list`.
  func line(nameWidth: Int) -> String {
    let gap = String(repeating: " ", count: nameWidth - format.name.count)
    return "\(format.name)\(gap)  \(format.help) (\(modes.joined(separator: ", ")); "
      + "plugin \(plugin.manifest.name) \(plugin.manifest.version))"
  }

  /// The lines of `sluice plugin info`.
  var lines: [String] {
    let manifest = plugin.manifest
    let origin = [manifest.vendor, manifest.license].filter { !$0.isEmpty }
    var lines = [
      "format      \(format.name)" + (format.help.isEmpty ? "" : ": \(format.help)"),
      "modes       \(modes.joined(separator: ", "))",
      "outputs     \(outputs.joined(separator: ", "))",
      "streams     \(streams.joined(separator: ", "))",
    ]
    if !format.extensions.isEmpty {
      lines.append("suffixes    \(format.extensions.map { "." + $0 }.joined(separator: ", "))")
    }
    lines += [
      "plugin      " + (["\(manifest.name) \(manifest.version)"] + origin).joined(separator: ", "),
      "executable  \(executable)",
    ]
    if let interpreter = manifest.interpreter { lines.append("interpreter \(interpreter)") }
    if !manifest.commands.isEmpty {
      lines.append("commands    \(manifest.commands.joined(separator: ", "))")
    }
    lines += [
      "sandbox     \(manifest.profile.rawValue) profile, "
        + "\(formatBytes(manifest.memoryBytes)) memory limit, \(manifest.threads) extra threads"
    ]
    if format.options.isEmpty { return lines + ["options     none"] }
    lines.append("options")
    for option in format.options {
      lines.append("  \(format.name).\(option.name)=\(option.expectation)")
      let usual = option.defaultValue == .null ? "" : "; default: \(option.defaultText)"
      lines.append("      \(option.help)\(usual)")
    }
    return lines
  }
}

// For tools

extension FormatDescription {
  /// One line of `sluice plugin list --json`.
  var json: JSONValue { .object(head) }

  /// The line of `sluice plugin info --json`.
  var detailedJSON: JSONValue {
    let manifest = plugin.manifest
    var object = head
    object["vendor"] = .string(manifest.vendor)
    object["license"] = .string(manifest.license)
    object["executable"] = .string(executable)
    if let interpreter = manifest.interpreter { object["interpreter"] = .string(interpreter) }
    if !manifest.commands.isEmpty {
      object["commands"] = .array(manifest.commands.map { .string($0) })
    }
    object["profile"] = .string(manifest.profile.rawValue)
    object["memory"] = JSONValue(manifest.memoryBytes)
    object["threads"] = JSONValue(manifest.threads)
    object["options"] = .array(
      format.options.map { option in
        [
          "name": .string(option.name), "type": .string(option.kind.rawValue),
          "values": .string(option.expectation), "default": option.defaultValue,
          "help": .string(option.help),
        ]
      })
    return .object(object)
  }

  private var head: JSONObject {
    [
      "schema": 1, "event": "format", "format": .string(format.name),
      "help": .string(format.help), "modes": JSONValue(modes), "outputs": JSONValue(outputs),
      "streams": JSONValue(streams), "extensions": JSONValue(format.extensions),
      "plugin": .string(plugin.manifest.name),
      "version": .string(plugin.manifest.version),
    ]
  }
}

extension ManifestOption {
  /// The default as one would write it on the command line.
  var defaultText: String {
    switch defaultValue {
    case .bool(let bool): bool ? "on" : "off"
    case .string(let text): text
    default: defaultValue.text
    }
  }
}
