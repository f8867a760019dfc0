internal import ArgumentParser
internal import Glibc
internal import System

/// The program: one verb per file, everything else in the libraries below.
@main
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
    version: "sluice \(version)",
    subcommands: [
      Backup.self, Restore.self, List.self, Verify.self, Convert.self, Clean.self, Recover.self,
      Plugin.self, Doctor.self,
    ])

  static let version = "0.1.0"

  /// Errors of the command line begin like all others.
  static var _errorPrefix: String { "sluice: " }

  /// Runs what the command line says, and ends the process.
  ///
  /// Without `exit(3)`, which runs the destructors of every library while idle threads of the
  /// runtime may still free what belongs to them: nothing that happens there may turn a complete
  /// archive into a failure.
  static func main() async {
    raiseDescriptorLimit()
    let status: ExitCode
    do {
      try refuseUnknownCommand(CommandLine.arguments.dropFirst())
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      status = .success
    } catch {
      status = exitCode(for: error)
      let message = fullMessage(for: error)
      if !message.isEmpty {
        status == .success ? print(message) : write(usageError(message), to: 2)
      }
    }
    fflush(nil)
    _exit(status.rawValue)
  }
}
