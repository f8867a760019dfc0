internal import ArgumentParser
internal import BackupProtocol
internal import Coordinator
internal import PluginHost
internal import System

/// `sluice plugin`
struct Plugin: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show installed plugins, their formats and options",
    usage: "sluice plugin <command> [<options>]",
    subcommands: [PluginList.self, PluginInfo.self])
}

/// `sluice plugin list`
struct PluginList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List archive formats and their plugins",
    usage: "sluice plugin list [<options>]")

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let printer = EventPrinter(common)
    let catalog = PluginCatalog(common.places().places)
    let formats = catalog.plugins.flatMap { plugin in
      plugin.manifest.formats.map { FormatDescription($0, of: plugin) }
    }
    let width = formats.map(\.format.name.count).max() ?? 0
    for format in formats {
      printer.say(format.json)
      printer.say(format.line(nameWidth: width))
    }
    for rejected in catalog.rejected {
      printer.show(.warning(sanitised("\(rejected.path): \(rejected.reason)".utf8)))
    }
    if catalog.plugins.isEmpty { printer.show(.warning("no plugins are installed")) }
  }
}

/// `sluice plugin info`
struct PluginInfo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Show a format's plugin, outputs and options",
    usage: "sluice plugin info [<options>] <format>")

  @Argument(help: "Archive format, as listed by 'sluice plugin list'")
  var format: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let printer = EventPrinter(common)
    let catalog = PluginCatalog(common.places().places)
    guard let plugin = catalog.plugin(format: format), let found = plugin.format(format) else {
      let error = JobError(
        .unavailable, doing: "", "no plugin for the format \"\(format)\" is installed",
        hint: "installed formats: \(catalog.formatNames.joined(separator: ", "))")
      printer.fail(error)
      throw ExitCode(error.status.rawValue)
    }
    let description = FormatDescription(found, of: plugin)
    printer.say(description.detailedJSON)
    for line in description.lines { printer.say(line) }
  }
}
