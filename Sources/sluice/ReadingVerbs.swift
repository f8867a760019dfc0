internal import ArchiveJobs
internal import ArgumentParser
internal import BackupProtocol
internal import JSON
internal import JobSupport
internal import Requests
internal import System

/// Options of the verbs that read an archive.
struct ArchiveOptions: ParsableArguments {
  @Argument(help: "Archive to read; '-' is standard input")
  var archive: String

  @Option(
    help: ArgumentHelp("Archive format, if not detected automatically", valueName: "format"))
  var format: String?

  @Option(
    help: ArgumentHelp(
      "Receipt of the archive, if not stored beside or inside it", valueName: "file"))
  var receipt: String?

  @Option(
    name: .customLong("scratch-dir"),
    help: ArgumentHelp(
      "Directory for the temporary file of data that arrives out of order",
      valueName: "dir"))
  var scratchDirectory = Defaults.scratchDirectory

  @OptionGroup var stall: StallOption
  @OptionGroup var sandbox: SandboxOption
  @OptionGroup var listening: ListeningOptions
  @OptionGroup var common: CommonOptions

  func validate() throws { try listening.verbose.check(common) }

  var request: ArchiveRequest { ArchiveRequest(archive, format: format, receipt: receipt) }

  func surroundings(_ printer: EventPrinter) throws(ExitCode) -> Surroundings {
    var surroundings = common.surroundings(sandbox.sandbox, printer)
    surroundings.scratchDirectory = scratchDirectory
    surroundings.readerStallLimit = stall.seconds
    surroundings.listeners = try listening.open(printer)
    return surroundings
  }
}

/// How fast an archive is read; an option of the verbs that read all of it.
struct ReadingRateOption: ParsableArguments {
  @Option(
    name: .customLong("rate-limit"),
    help: ArgumentHelp("Maximum read rate (suffixes K, M, G, T)", valueName: "bytes/s"))
  var rateLimit: ByteCount?
}

/// `sluice verify`
struct Verify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Verify an archive against its receipt",
    usage: "sluice verify [<options>] <archive>",
    discussion: """
      Reads the complete archive, and of an incremental one its parents too. Exit status: 0 if \
      every byte was verified, by the digests of the receipt or by checksums of the format; 1 if \
      nothing is wrong but there is nothing to verify the data against; 65 if the archive is \
      damaged.
      """)

  @Flag(help: "Of an incremental archive, verify this one only and not its parents")
  var alone = false

  @OptionGroup var parents: ParentOption
  @OptionGroup var rate: ReadingRateOption
  @OptionGroup var options: ArchiveOptions

  func run() async throws {
    let printer = EventPrinter(options.common)
    let surroundings = try options.surroundings(printer)
    let isAlone = alone
    var wanted = options.request
    wanted.parents = parents.parent
    wanted.rateLimit = rate.rateLimit?.bytes
    let request = wanted
    let proof = try await perform(printer) { stop throws(JobError) in
      try VerifyJob(request, isAlone: isAlone, surroundings, stop: stop).run()
    }
    let name = wanted.path == "-" ? "standard input" : wanted.path
    switch proof {
    case .receipt where isAlone:
      printer.say("\(name): OK: every byte of it verified against the receipt; parents not read")
    case .receipt: printer.say("\(name): OK: every byte verified against the receipt")
    case .format(let plugin):
      printer.say(
        "\(name): OK: verified by plugin \"\(plugin)\" against the format's own checksums; there "
          + "is no receipt with digests")
    case .none: break
    }
  }
}

/// `sluice list`
struct List: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the contents of an archive, or the archives in a directory",
    usage: """
      sluice list [<options>] <archive>
      sluice list [<options>] <directory>
      """,
    discussion: """
      Of a directory of archives: VM, time, level, size on storage and parent of each, by their \
      receipts; an increment follows what it refers to.
      """)

  @OptionGroup var options: ArchiveOptions

  func run() async throws {
    let printer = EventPrinter(options.common)
    let surroundings = try options.surroundings(printer)
    let wanted = options.request
    let directory = try await perform(printer) { _ throws(JobError) in
      wanted.format == nil ? try DirectoryListing(of: wanted.path, surroundings) : nil
    }
    if let directory { return directory.tell(printer) }
    let listing = try await perform(printer) { stop throws(JobError) in
      try ListJob(wanted, surroundings, stop: stop).run()
    }
    printer.say(listing.json(of: wanted.path))
    for line in listing.lines { printer.say(line) }
  }
}

extension Listing {
  /// A header, then one line for each stream.
  var lines: [String] {
    var lines = ["format   \(format)"]
    if !instant.isEmpty { lines.append("time     \(instant)") }
    if !machine.name.isEmpty { lines.append("vm       \(machine.name)") }
    if let receipt, let parent = receipt.parent {
      lines.append("level    \(receipt.level.rawValue)")
      lines.append("parent   \(parent.instant.text) (job \(cleaned(parent.job)))")
    }
    if let receipt {
      lines.append("tools    \(receipt.tools.joined(separator: ", "))")
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

  func json(of archive: String) -> JSONValue {
    var object: JSONObject = [
      "schema": 1, "event": "listing", "archive": .string(absoluteText(ofOutput: archive)),
      "format": .string(format),
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
