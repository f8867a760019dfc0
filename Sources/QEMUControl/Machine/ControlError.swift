package import System

/// Why something that takes several commands could not be done.
package enum ControlError: Error, Equatable, Sendable {
  case qmp(QMPError)
  case agent(AgentError)
  /// QEMU's answer lacks what it must have.
  case unexpected(command: String, what: String)
  /// Another job, export or snapshot holds the disk; `by` names the jobs that are not ours.
  case busy(disk: String, by: [String], words: String)
  /// QEMU has one NBD server, and it is not to be had.
  case nbdServerInUse(words: String)
  /// The store's filesystem has too little room.
  case fleecingSpace(directory: String, freeBytes: Int64, wantedBytes: Int64)
  /// QEMU has not copied all of a disk.
  case copyFailed(disk: String, words: String)
  /// A living process backs this machine up.
  case anotherBackup(job: String, process: Int32?)
  /// Names of jobs in QEMU whose journal is not here.
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
      "QEMU's answer to \(command) is not understood: \(what)"
    case .busy(let disk, let others, let words): Self.busyText(disk, others, words)
    case .nbdServerInUse(let words): "QEMU's NBD server is not to be had: \(words)"
    case .fleecingSpace(let directory, let free, let wanted):
      """
      \(directory) has \(free >> 20) MiB free, the fleecing stores there need \(wanted >> 20) MiB; \
      make room, or choose another place with --fleecing-dir
      """
    case .copyFailed(let disk, let words):
      "QEMU did not copy all of \(disk) into the spool: \(words)"
    case .anotherBackup(let job, let process):
      """
      another backup of this machine is running (job \(job)\
      \(process.map { ", process \($0)" } ?? "")); wait for it, or end it
      """
    case .unknownJobs(let jobs):
      """
      QEMU holds what a backup left that is not known here (\(jobs.joined(separator: ", "))): it \
      runs elsewhere, or its journal is lost; if no backup is running, use sluice recover --qmp \
      SOCKET
      """
    case .ended: "the backup is being taken down"
    case .system(let error): "\(error)"
    }
  }

  private static func busyText(_ disk: String, _ others: [String], _ words: String) -> String {
    let who =
      others.isEmpty ? "something in QEMU" : "QEMU's job \(others.joined(separator: ", "))"
    return "\(who) uses \(disk); wait for its end, or cancel it (QEMU: \(words))"
  }
}
