internal import ArgumentParser
internal import Coordinator
internal import PluginHost
internal import System

/// `sluice doctor`
struct Doctor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what works on this machine, what is missing, and what to do.")

  @Option(
    help: ArgumentHelp(
      "Say what a backup of the machine that listens here would do and promise.",
      valueName: "socket"))
  var qmp: String?

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let places = common.places()
    var findings = Examination(places: places).findings()
    if let qmp {
      let examination = GuestExamination(socket: qmp)
      findings += try await performAsync(EventPrinter(common)) { _ async throws(JobError) in
        try await examination.findings()
      }
    }
    for finding in findings {
      let verdict = finding.isGood ? "ok     " : finding.isFatal ? "MISSING" : "lacks  "
      write(sanitised("\(verdict)  \(finding.text)".utf8), to: 1)
      if let remedy = finding.remedy { write("         -> \(remedy)", to: 1) }
    }
    if findings.contains(where: { !$0.isGood && $0.isFatal }) {
      throw ExitCode(CommandStatus.unavailable.rawValue)
    }
  }
}
