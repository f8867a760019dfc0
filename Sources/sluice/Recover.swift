internal import ArgumentParser
internal import JobSupport
internal import LiveBackup
internal import Requests

/// `sluice recover`
struct Recover: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Clean up a running VM's QEMU after a killed backup",
    discussion: """
      Removes the block nodes, exports and jobs that the backup left in QEMU, resumes a guest that \
      it paused and thaws its file systems. The watchdog and the next backup of the VM do the \
      same: it is needed only if both sluice and the watchdog were killed. A VM that is being \
      backed up is left alone.

      With --bitmaps it also removes dirty bitmaps, from which incremental backups continue: the \
      next one then compares the disks instead. sluice doctor --qmp lists them.

      Examples:
        sluice recover --qmp /run/vm/qmp.sock
        sluice recover --qmp /run/vm/qmp.sock --bitmaps older-than=30d
      """)

  @Option(help: ArgumentHelp("QMP socket of the running VM", valueName: "socket"))
  var qmp: String

  @Option(
    help: ArgumentHelp(
      "Dirty bitmaps to remove: all, older-than=TIME (suffixes h, d, w) or a backup's ID, at "
        + "least its first 4 digits (repeatable)",
      valueName: "which"))
  var bitmaps: [BitmapChoice] = []

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let printer = EventPrinter(common)
    let job = RecoverJob(socket: qmp, bitmaps: bitmaps) { printer.show($0) }
    let wasAnything = try await performAsync(printer) { _ async throws(JobError) in
      try await job.run()
    }
    if !wasAnything { printer.say("nothing to clean up") }
  }
}
