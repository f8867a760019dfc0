internal import ArgumentParser
internal import Glibc
internal import JobSupport
internal import System

/// The program: one verb per file, everything else in the libraries below.
struct Sluice: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice",
    abstract: "Back up virtual machine disks through sandboxed writer plugins",
    usage: "sluice <command> [<options>]",
    discussion: """
      Sluice reads the disks of running VMs, or disk images, through QEMU and passes the data to a \
      writer plugin: a separate, unprivileged and sandboxed program that writes the archive. An \
      archive gets its final name only when it is complete.

      Getting started:
        sluice backup --image drive-scsi0=disk.qcow2 --to raw=monday
        sluice list monday
        sluice verify monday
        sluice restore monday --to restored
      """,
    version: "sluice \(ownVersion)",
    subcommands: [
      Backup.self, Restore.self, Read.self, List.self, Verify.self, Convert.self, Clean.self,
      Recover.self,
      Plugin.self, Doctor.self, Version.self,
    ])

  /// Errors of the command line begin like all others.
  static var _errorPrefix: String { "sluice: " }

  /// Runs what the command line says, and ends the process.
  ///
  /// Without `exit(3)`, which runs the destructors of every library while idle threads of the
  /// runtime may still free what belongs to them: nothing that happens there may turn a complete
  /// archive into a failure.
  static func runToEnd() async -> Never {
    var status: Int32
    do {
      try refuseUnknownCommand(ProgramArguments.words[...])
      var command = try parseAsRoot(ProgramArguments.words)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      status = CommandStatus.success.rawValue
    } catch {
      status = conclude(error)
    }
    if let code = LineOutput.standard.failure {
      let isAlone = status == CommandStatus.success.rawValue
      write(
        "sluice: cannot write to standard output: \(errnoText(code))"
          + (isAlone ? "; everything else is done" : ""), to: 2)
      if isAlone { status = CommandStatus.inputOutput.rawValue }
    }
    fflush(nil)
    _exit(status)
  }
}
