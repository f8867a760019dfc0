internal import ArgumentParser
internal import Coordinator

/// `sluice recover`
struct Recover: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove what a killed backup has left in a running machine.",
    discussion: """
      Needed only if the watchdog was killed too: it, and every new backup, do the same. A machine \
      that a living backup holds is left alone.
      """)

  @Option(help: ArgumentHelp("The socket of the machine's QEMU.", valueName: "socket"))
  var qmp: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let printer = EventPrinter(common)
    let job = RecoverJob(socket: qmp) { printer.show($0) }
    let wasAnything = try await performAsync(printer) { _ async throws(JobError) in
      try await job.run()
    }
    if !wasAnything { printer.say("nothing was left") }
  }
}
