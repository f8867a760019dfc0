internal import ArgumentParser
internal import BackupProtocol
internal import Coordinator
internal import JSON
internal import PluginHost
internal import System

/// `sluice plugin`
struct Plugin: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look at the installed plugins.", subcommands: [PluginList.self, PluginInfo.self])
}

/// `sluice plugin list`
struct PluginList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List formats and the plugins that have them.")

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let catalog = PluginCatalog(common.places().places)
    for plugin in catalog.plugins {
      for format in plugin.manifest.formats {
        let modes = format.modes.map(\.rawValue).joined(separator: ", ")
        say(
          "\(format.name)  \(format.help) (\(modes); plugin \(plugin.manifest.name) "
            + "\(plugin.manifest.version))")
      }
    }
    for rejected in catalog.rejected {
      write(sanitised("sluice: warning: \(rejected.path): \(rejected.reason)".utf8), to: 2)
    }
    if catalog.plugins.isEmpty { say("no plugin is installed") }
  }
}

/// `sluice plugin info`
struct PluginInfo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Say what a format's plugin is and which options it has.")

  @Argument(help: "The format.")
  var format: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let catalog = PluginCatalog(common.places().places)
    guard let plugin = catalog.plugin(format: format) else {
      write("sluice: no plugin for the format \"\(format)\" is installed", to: 2)
      write("sluice: hint: there are: \(catalog.formatNames.joined(separator: ", "))", to: 2)
      throw ExitCode(CommandStatus.unavailable.rawValue)
    }
    let manifest = plugin.manifest
    say("\(manifest.name) \(manifest.version), \(manifest.vendor), \(manifest.license)")
    say("executable  \((try? realPath(plugin.executable)) ?? plugin.executable)")
    say(
      "sandbox     \(manifest.profile.rawValue) profile, "
        + "\(formatBytes(manifest.memoryBytes)) of memory, \(manifest.threads) extra threads")
    if manifest.options.isEmpty { return say("no options") }
    say("options")
    for option in manifest.options {
      say("  \(format).\(option.name)=\(option.expectation)")
      say(
        "      \(option.help)"
          + (option.defaultValue == .null ? "" : "; default: \(option.defaultText)"))
    }
  }
}

/// One line; what a manifest says of itself stays on it.
private func say(_ line: String) { write(sanitised(line.utf8), to: 1) }

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
