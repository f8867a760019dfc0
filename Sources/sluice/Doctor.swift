internal import ArgumentParser
internal import Coordinator
internal import PluginHost

/// `sluice doctor`
struct Doctor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what works on this machine, what is missing, and what to do.")

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let places = common.places()
    let findings = Examination(places: places).findings()
    for finding in findings {
      let verdict = finding.isGood ? "ok     " : finding.isFatal ? "MISSING" : "lacks  "
      print("\(verdict)  \(finding.text)")
      if let remedy = finding.remedy { print("         -> \(remedy)") }
    }
    if findings.contains(where: { !$0.isGood && $0.isFatal }) {
      throw ExitCode(CommandStatus.unavailable.rawValue)
    }
  }
}
