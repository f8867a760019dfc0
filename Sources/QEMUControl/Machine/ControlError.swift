package import System

/// Why an operation of several QEMU commands failed.
package enum ControlError: Error, Equatable, Sendable {
  case qmp(QMPError)
  case agent(AgentError)
  /// QEMU's answer is malformed.
  case unexpected(command: String, what: String)
  /// Another job, export or snapshot uses the disk; `by` names the jobs that are not ours.
  case busy(disk: String, by: [String], words: String)
  /// What changed on a disk since its parent backup is no longer known.
  case bitmapUnusable(disk: String, BitmapObstacle)
  /// QEMU has one NBD server, and it is in use.
  case nbdServerInUse(words: String)
  /// Too little free space for the fleecing images.
  case fleecingSpace(directory: String, freeBytes: Int64, wantedBytes: Int64)
  /// QEMU has not copied all of a disk.
  case copyFailed(disk: String, words: String)
  /// QEMU has not captured the RAM.
  case vmStateFailed(words: String)
  /// A running process is backing up this machine.
  case anotherBackup(job: String, process: Int32?)
  /// Names of jobs in QEMU that have no journal here.
  case unknownJobs([String])
  /// The take-down has begun; nothing more is put into QEMU.
  case ended
  case system(SystemCallError)
}

extension ControlError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .qmp(let error): "\(error)"
    case .agent(let error): "\(error)"
    case .unexpected(let command, let what):
      "unexpected answer of QEMU to \(command): \(what)"
    case .busy(let disk, let others, let words): Self.busyText(disk, others, words)
    case .bitmapUnusable(let disk, let obstacle): "\(disk): \(obstacle)"
    case .nbdServerInUse(let words): "QEMU's NBD server is unavailable: \(words)"
    case .fleecingSpace(let directory, let free, let wanted):
      "\(directory) has \(free >> 20) MiB free, but the fleecing images need \(wanted >> 20) MiB"
    case .copyFailed(let disk, let words):
      "QEMU did not copy all of \(disk) to the spool: \(words)"
    case .vmStateFailed(let words): "QEMU's migration failed: \(words)"
    case .anotherBackup(let job, let process):
      """
      another backup of this machine is running (job \(job)\
      \(process.map { ", process \($0)" } ?? "")); wait until it ends, or stop it
      """
    case .unknownJobs(let jobs):
      """
      QEMU has nodes or jobs of a backup unknown here (\(jobs.joined(separator: ", "))): it \
      was started elsewhere, or its journal is lost
      """
    case .ended: "the backup is being stopped"
    case .system(let error): "\(error)"
    }
  }

  private static func busyText(_ disk: String, _ others: [String], _ words: String) -> String {
    let user =
      others.isEmpty ? "another QEMU job or export" : "QEMU job \(others.joined(separator: ", "))"
    return "\(disk) is in use by \(user); wait until that ends, or cancel it (QEMU: \(words))"
  }
}
