internal import ArgumentParser
internal import Coordinator

/// `sluice recover`
struct Recover: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Clean up a running VM's QEMU after a killed backup",
    discussion: """
      Removes the block nodes, exports and jobs that the backup left in QEMU, resumes a guest that \
      it paused and thaws its file systems. The watchdog and the next backup of the VM do the \
      same: it is needed only if both sluice and the watchdog were killed. A VM that is being \
      backed up is left alone.

      Example:
        sluice recover --qmp /run/vm/qmp.sock
      """)

  @Option(help: ArgumentHelp("QMP socket of the running VM", valueName: "socket"))
  var qmp: String

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let printer = EventPrinter(common)
    let job = RecoverJob(socket: qmp) { printer.show($0) }
    let wasAnything = try await performAsync(printer) { _ async throws(JobError) in
      try await job.run()
    }
    if !wasAnything { printer.say("nothing to clean up") }
  }
}
