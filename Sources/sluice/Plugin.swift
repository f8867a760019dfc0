internal import ArchiveJobs
internal import ArgumentParser
internal import BackupProtocol
internal import JobSupport
internal import PluginHost
internal import Requests
internal import System

/// `sluice plugin`
struct Plugin: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show, begin and check plugins, their formats and options, and what they say",
    usage: "sluice plugin <command> [<options>]",
    subcommands: [
      PluginList.self, PluginInfo.self, PluginNew.self, PluginCheck.self, PluginRecord.self,
      PluginDump.self, PluginReplay.self, PluginBench.self,
    ])
}

/// `sluice plugin list`
struct PluginList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List archive formats and their plugins",
    usage: "sluice plugin list [<options>]")

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let printer = EventPrinter(common)
    let catalog = PluginCatalog(common.places().places, host: ownVersion)
    let formats = catalog.plugins.flatMap { plugin in
      plugin.manifest.formats.map { FormatDescription($0, of: plugin) }
    }
    let width = formats.map(\.format.name.count).max() ?? 0
    for format in formats {
      printer.say(format.json)
      printer.say(format.line(nameWidth: width))
    }
    for fault in catalog.faults { printer.show(.warning(fault.text, fault.remedy)) }
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
    let chosen = try chosen(printer)
    let description = FormatDescription(chosen.format, of: chosen.plugin)
    printer.say(description.detailedJSON)
    for line in description.lines { printer.say(line) }
  }

  private func chosen(_ printer: EventPrinter) throws -> ChosenFormat {
    do throws(JobError) {
      return try PluginCatalog(common.places().places, host: ownVersion).chosen(format: format)
    } catch {
      printer.fail(error)
      throw ExitCode(error.status.rawValue)
    }
  }
}
