internal import ArgumentParser
internal import JobSupport

/// `sluice plugin record`
struct PluginRecord: AsyncParsableCommand {
  /// How the command that is recorded is told; not part of its help.
  static let fileOption = "record-into"
  static let contentsFlag = "record-contents"

  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Run a command and record all that its plugins say and hear",
    usage: "sluice plugin record [--contents] <file> <command> [<options>]",
    discussion: """
      Every frame goes into a new file, with its time and a checksum: a report of a fault that \
      'sluice plugin dump' shows. Names of machines, disks and files and the options are in it; \
      what disks and configuration files hold is left out, unless --contents is given. A recording \
      is text: read it before you give it away.

      Examples:
        sluice plugin record fault.rec backup --image d=disk.raw --to vma=disk.vma
        sluice plugin record --contents fault.rec verify disk.vma
      """)

  @Flag(help: "Record what disks and configuration files hold, too")
  var contents = false

  @Argument(help: "File to make")
  var file: String

  @Argument(
    parsing: .captureForPassthrough,
    help: "backup, restore, read, list, verify or convert, and options")
  var command: [String] = []

  func validate() throws {
    guard let verb = command.first, Self.verbs.contains(verb) else {
      throw ValidationError(
        "the command to record must be one of " + Self.verbs.joined(separator: ", "))
    }
  }

  func run() async throws {
    let added = ["--" + Self.fileOption, file] + (contents ? ["--" + Self.contentsFlag] : [])
    // Behind the verb: a command line may end with `--` and names.
    let words = command.prefix(1) + added + command.dropFirst()
    var recorded = try Sluice.parseAsRoot(Array(words))
    if var command = recorded as? any AsyncParsableCommand {
      try await command.run()
    } else {
      try recorded.run()
    }
  }

  private static let verbs = ["backup", "restore", "read", "list", "verify", "convert"]
}
