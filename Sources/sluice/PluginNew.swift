internal import ArgumentParser
internal import BackupProtocol
internal import JSON
internal import JobSupport
internal import PluginHost
internal import Requests
internal import System

/// `sluice plugin new`
struct PluginNew: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Begin a plugin of your own",
    usage: "sluice plugin new [<options>] <name> --language <language>",
    discussion: """
      Makes a folder with a plugin that works: it writes, reads and verifies archives of a simple \
      format of its own, and passes 'sluice plugin check'. The folder also has the manifest, the \
      SDK, a README, a Makefile that builds, checks and packs it, and a file for CI. Change the \
      format to what yours is. An error without --language lists the languages.

      Examples:
        sluice plugin new acme --language python
        sluice plugin new acme --language rust --directory ~/src
      """)

  @Argument(help: "Name of plugin and format: up to 32 of a-z, 0-9 and -")
  var name: String

  @Option(help: ArgumentHelp("Language it is written in", valueName: "language"))
  var language: String?

  @Option(help: ArgumentHelp("Directory in which the folder is made", valueName: "dir"))
  var directory = "."

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let printer = EventPrinter(common)
    do throws(NewPluginError) { try make(printer) } catch {
      let failure = error.told(name)
      printer.fail(failure)
      throw ExitCode(failure.status.rawValue)
    }
  }

  private func make(_ printer: EventPrinter) throws(NewPluginError) {
    let places = common.places()
    try NewPlugin.require(name: name)
    let template = try PluginKit(places.kit).template(language ?? "")
    let plugin = try NewPlugin(name, from: template, in: directory)
    if let rival = PluginCatalog(places.places, host: ownVersion).plugin(format: name) {
      printer.show(
        .warning(
          "plugin \"\(rival.manifest.name)\" has a format \(name), too: where both are installed, "
            + "neither is used"))
    }
    printer.say(plugin.json(language: template.language))
    printer.say("\(plugin.folder): a plugin in \(template.language) that works, to be changed")
    printer.say("next:")
    printer.say("  cd \(plugin.folder)")
    for command in template.first { printer.say("  \(command)") }
    printer.say("  make check")
    printer.say("README.md there says the rest")
  }
}

extension NewPlugin {
  fileprivate func json(language: String) -> JSONValue {
    [
      "schema": 1, "event": "plugin-made", "plugin": .string(name), "language": .string(language),
      "path": .string(absolutePath(folder)), "files": JSONValue(files),
    ]
  }
}

extension NewPluginError {
  /// What it means for who wanted a plugin of that name.
  fileprivate func told(_ name: String) -> JobError {
    let action = "make the plugin \(name)"
    return switch self {
    case .badName(let name):
      JobError(
        .usage,
        "'\(name)' cannot be the name of a format: use 1 to 32 of a-z, 0-9 and -, and "
          + "no - at the start")
    case .noTemplates(let directory):
      JobError(
        .unavailable, cannot: action, "there are no templates in \(directory)/new",
        hint: .text("install Sluice with ./install, which puts them there"))
    case .unknownLanguage("", let known):
      JobError(
        .usage, cannot: action, "its language is missing",
        hint: .text("give --language and one of " + known.joined(separator: ", ")))
    case .unknownLanguage(let language, let known):
      JobError(
        .usage, cannot: action, "there is no template in '\(language)'",
        hint: .text("there are " + known.joined(separator: ", ")))
    case .template(let reason): JobError(.unavailable, cannot: action, reason)
    case .exists(let folder): JobError(.cannotCreate, cannot: action, "\(folder) already exists")
    case .system(let error): JobError(error, cannot: action)
    }
  }
}
