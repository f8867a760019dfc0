internal import ArgumentParser
internal import BackupProtocol
internal import Coordinator
internal import JSON

/// What the verbs that read an archive share.
struct ArchiveOptions: ParsableArguments {
  @Argument(help: "The archive; - is standard input.")
  var archive: String

  @Option(
    help: ArgumentHelp(
      "What the archive is, if it cannot be told by looking.", valueName: "format"))
  var format: String?

  @Option(
    help: ArgumentHelp(
      "The archive's receipt, if it is not beside the archive or inside it.", valueName: "file"))
  var receipt: String?

  @Option(
    name: .customLong("scratch-dir"),
    help: ArgumentHelp(
      "Where what must be read before its turn is kept, in a file without a name.",
      valueName: "dir"))
  var scratchDirectory = "/var/tmp"

  @OptionGroup var stall: StallOption
  @OptionGroup var sandbox: SandboxOption
  @OptionGroup var common: CommonOptions

  var request: ArchiveRequest { ArchiveRequest(archive, format: format, receipt: receipt) }

  func surroundings(_ printer: EventPrinter) -> Surroundings {
    var surroundings = common.surroundings(sandbox.sandbox, printer)
    surroundings.scratchDirectory = scratchDirectory
    surroundings.readerStallLimit = stall.seconds
    return surroundings
  }
}

/// `sluice verify`
struct Verify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read every byte of an archive and hold it against its receipt.",
    discussion: """
      Ends with 0 if the digests of the receipt, or those that the format keeps of all data, have \
      proven every byte; with 1 if nothing is wrong and nothing proves the data; with 65 if the \
      archive is damaged.
      """)

  @OptionGroup var options: ArchiveOptions

  func run() async throws {
    let printer = EventPrinter(options.common)
    let surroundings = options.surroundings(printer)
    let wanted = options.request
    let proof = try await perform(printer) { stop throws(JobError) in
      try VerifyJob(wanted, surroundings, stop: stop).run()
    }
    let name = wanted.path == "-" ? "standard input" : wanted.path
    switch proof {
    case .receipt: printer.say("\(name): OK: every byte is what its receipt says")
    case .format(let plugin):
      printer.say(
        "\(name): OK by the format's own checksums, as plugin \"\(plugin)\" says; no receipt "
          + "with digests was there")
    case .none: break
    }
  }
}

/// `sluice list`
struct List: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Say what an archive holds.")

  @OptionGroup var options: ArchiveOptions

  func run() async throws {
    let printer = EventPrinter(options.common)
    let surroundings = options.surroundings(printer)
    let wanted = options.request
    let listing = try await perform(printer) { stop throws(JobError) in
      try ListJob(wanted, surroundings, stop: stop).run()
    }
    printer.say(listing.json)
    for line in listing.lines { printer.say(line) }
  }
}

extension Listing {
  /// A head and a line a stream.
  var lines: [String] {
    var lines = ["format   \(format)"]
    if !instant.isEmpty { lines.append("taken    \(instant)") }
    if !machine.name.isEmpty { lines.append("machine  \(machine.name)") }
    if let receipt {
      lines.append("by       \(receipt.tools.joined(separator: ", "))")
    } else {
      lines.append("receipt  none")
    }
    let width = streams.map(\.name.count).max() ?? 0
    for stream in streams {
      let name = stream.name + String(repeating: " ", count: width - stream.name.count)
      let kind = stream.kind.rawValue
      let gap = String(repeating: " ", count: 9 - kind.count)
      lines.append("\(kind)\(gap)\(name)  \(stream.size.map(formatBytes) ?? "?")")
    }
    return lines
  }

  var json: JSONValue {
    var object: JSONObject = [
      "schema": 1, "event": "listing", "format": .string(format),
      "streams": .array(
        streams.map { stream in
          [
            "name": .string(stream.name), "kind": .string(stream.kind.rawValue),
            "role": .string(stream.role), "size": stream.size.map { JSONValue($0) } ?? .null,
          ]
        }),
    ]
    if !instant.isEmpty { object["instant"] = .string(instant) }
    if !machine.name.isEmpty { object["machine"] = .string(machine.name) }
    if let receipt { object["receipt"] = .object(receipt.object) }
    return .object(object)
  }
}
