internal import ArgumentParser
internal import Coordinator
internal import JSON
internal import JobSupport
internal import LiveBackup
internal import PluginHost
internal import Requests

/// `sluice doctor`
struct Doctor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check this host's requirements, and a VM's with --qmp",
    discussion: """
      Each line is PASS, WARN (something is missing or slower, backups still work) or FAIL. \
      Nothing is changed. Exit status: 69 if a check failed.
      """)

  @Option(
    help: ArgumentHelp(
      "Check a backup of the running VM with this QMP socket: disks, transport, protection",
      valueName: "socket"))
  var qmp: String?

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let printer = EventPrinter(common)
    let places = common.places()
    var findings = Examination(places: places).findings()
    if let qmp {
      let examination = GuestExamination(socket: qmp)
      findings += try await performAsync(printer) { _ async throws(JobError) in
        try await examination.findings()
      }
    }
    for finding in findings {
      printer.say(finding.json)
      for line in finding.lines { printer.say(line, evenIfQuiet: !finding.isGood) }
    }
    if findings.contains(where: { !$0.isGood && $0.isFatal }) {
      throw ExitCode(CommandStatus.unavailable.rawValue)
    }
  }
}

extension Finding {
  private var verdict: String { isGood ? "pass" : isFatal ? "fail" : "warn" }

  /// The finding for people, and what to do about it.
  var lines: [String] {
    ["\(verdict.uppercased())  \(text)"] + (remedy.map { ["      hint: \($0.words)"] } ?? [])
  }

  /// The finding for tools.
  var json: JSONValue {
    var object: JSONObject = [
      "schema": 1, "event": "check", "result": .string(verdict), "message": .string(text),
    ]
    if let remedy { object["hint"] = .string(remedy.words) }
    return .object(object)
  }
}
