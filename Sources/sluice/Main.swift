internal import ArgumentParser
internal import Glibc
internal import System

/// The program: one verb per file, everything else in the libraries below.
@main
struct Sluice: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice",
    abstract: "Back up virtual machine disks through sandboxed writer plugins.",
    discussion: """
      Sluice reads the disks of running machines, or disk images, through QEMU and hands the \
      data to a writer plugin, a separate program without rights, which makes the archive. An \
      archive under its final name is complete, always.

      A first backup, and what one can do with it:
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

  /// Runs what the command line says, and ends the process.
  ///
  /// Without `exit(3)`, which runs the destructors of every library while idle threads of the
  /// runtime may still free what belongs to them: nothing that happens there may turn a complete
  /// archive into a failure.
  static func main() async {
    raiseDescriptorLimit()
    let status: ExitCode
    do {
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
      if !message.isEmpty { status == .success ? print(message) : write(message, to: 2) }
    }
    fflush(nil)
    _exit(status.rawValue)
  }
}
