internal import JSON
internal import System

/// Captures the RAM of a machine, at the same instant as its disks: QEMU migrates it into a file.
///
/// In the order of the steps:
///
/// - background: `PointInTime.prepare`, `arm`, `pauseGuest`, `PointInTime.take`, `start`,
///   `resumeGuest`; then `progress` until it is complete, `finish`.
/// - stop: `arm`, `pauseGuest`, `start`, `progress` until it is complete, `activateDisks`,
///   `PointInTime.prepare` and `take`, `resumeGuest`, `finish`: QEMU completes no migration while a
///   backup job has its disks.
///
/// After any error the owner calls `PointInTime.takeDown`, which undoes what the journal says.
package final class VMStateCapture: Sendable {
  package let choice: VMStateChoice
  package let spool: VMStateSpool
  private let instant: PointInTime

  package init(_ choice: VMStateChoice, _ spool: VMStateSpool, with instant: PointInTime) {
    self.choice = choice
    self.spool = spool
    self.instant = instant
  }

  /// How far QEMU is.
  package enum Progress: Equatable, Sendable {
    /// Nothing is written yet: the RAM is not protected.
    case beginning
    case writing
    case complete
    /// It ended otherwise; QEMU's words.
    case failed(String)
  }

  /// Changes the settings and hands QEMU the file; the guest is not affected.
  package func arm() async throws(ControlError) {
    let settings = try await MigrationSettings(before: choice.way) {
      command async throws(ControlError) in try await self.instant.execute(command)
    }
    try note {
      $0.settings = settings
      $0.cancelling = choice.cancelling
    }
    for (command, arguments) in settings.changes { try await instant.execute(command, arguments) }
    try await instant.execute(
      "getfd", ["fdname": .string(descriptor)], passing: spool.rawDescriptor)
  }

  /// Pauses the guest, if it runs.
  package func pauseGuest() async throws(ControlError) {
    guard choice.isGuestRunning else { return }
    try note { $0.isPaused = true }
    try await instant.execute("stop")
  }

  /// Begins to write.
  ///
  /// - Throws: `vmStateFailed` if somebody has resumed the guest: RAM and disks would differ.
  package func start() async throws(ControlError) {
    try await requirePaused()
    try note { $0.isMigrating = true }
    try await instant.execute("migrate", ["uri": .string("fd:\(descriptor)")])
  }

  /// Whether the guest still stands where ``pauseGuest()`` has put it.
  package func requirePaused() async throws(ControlError) {
    let status = try await instant.execute("query-status")
    guard status["running"]?.bool == false else {
      throw .vmStateFailed(words: "another program resumed the guest")
    }
  }

  /// Lets the guest run on, as soon as that is right.
  ///
  /// In a background snapshot the RAM must be protected first, which shows by its first pages.
  /// QEMU 7.2 resumes the guest by itself then, 10.0 does not.
  package func resumeGuest() async throws(ControlError) {
    guard choice.isGuestRunning else { return }
    if choice.way == .background { try await awaitProtection() }
    if try await instant.execute("query-status")["status"]?.string != "running" {
      try await retrying { () async throws(ControlError) in try await instant.execute("cont") }
    }
    try note { $0.isPaused = false }
  }

  /// QEMU 10.0 refuses until it has cleaned up after a migration that is complete.
  private func retrying(
    _ command: () async throws(ControlError) -> Void
  ) async throws(ControlError) {
    let deadline = MonotonicTime.now.advanced(bySeconds: 2)
    while true {
      do throws(ControlError) { return try await command() } catch {
        guard case .qmp(.refused(_, let kind, _)) = error, kind != "CommandNotFound",
          MonotonicTime.now < deadline
        else { throw error }
      }
      await pause(milliseconds: 2)
    }
  }

  private func awaitProtection() async throws(ControlError) {
    let deadline = MonotonicTime.now.advanced(bySeconds: Self.protectionSeconds)
    while true {
      switch try await progress() {
      case .writing, .complete: return
      case .failed(let words): throw .vmStateFailed(words: words)
      case .beginning: break
      }
      guard MonotonicTime.now < deadline else {
        throw .vmStateFailed(words: "QEMU did not begin within \(Int(Self.protectionSeconds)) s")
      }
      await pause(milliseconds: 1)
    }
  }

  /// Protecting a TiB takes QEMU a minute and a half.
  private static let protectionSeconds = 120.0

  package func progress() async throws(ControlError) -> Progress {
    let answer = try await instant.execute("query-migrate")
    switch answer["status"]?.string {
    case "completed": return .complete
    case "failed", "cancelled", "none", nil:
      let words = answer["error-desc"]?.string ?? "it was cancelled by another program"
      return .failed(words)
    default:
      return VMStateRemoval.isWriting(answer) ? .writing : .beginning
    }
  }

  /// After a migration QEMU counts its disks as another's (10.0); a backup job needs them.
  package func activateDisks() async throws(ControlError) {
    try await awaitCleanUp()
    try note { $0.isMigrating = false }
    do throws(ControlError) {
      try await retrying { () async throws(ControlError) in
        try await instant.execute("blockdev-set-active", ["active": true])
      }
    } catch {
      // QEMU 7.2 has no such state, nor the command.
      guard case .qmp(.refused(_, let kind, _)) = error, kind == "CommandNotFound" else {
        throw error
      }
    }
  }

  private func awaitCleanUp() async throws(ControlError) {
    let deadline = MonotonicTime.now.advanced(bySeconds: 10)
    do throws(QMPError) {
      while try await !VMStateRemoval.isOver(instant.monitor, 10) {
        guard MonotonicTime.now < deadline else {
          throw QMPError.notInTime(command: "query-yank", seconds: 10)
        }
        await pause(milliseconds: 1)
      }
    } catch {
      throw .qmp(error)
    }
  }

  /// Puts the settings back and checks what was written, once it is complete.
  ///
  /// - Throws: `vmStateFailed`: the file is not what QEMU should have written.
  package func finish() async throws(ControlError) {
    try await awaitCleanUp()
    try note { $0.isMigrating = false }
    let settings = instant.vmStateUndo?.settings ?? MigrationSettings()
    for (command, arguments) in settings.restoration {
      try await instant.execute(command, arguments)
    }
    try instant.noteVMState(nil)
    guard spool.isStream else { throw .vmStateFailed(words: "its stream is malformed") }
    spool.trim()
  }

  private var descriptor: String { instant.mark.vmStateDescriptor }

  /// Before it becomes true.
  private func note(_ change: (inout VMStateUndo) -> Void) throws(ControlError) {
    var undo = instant.vmStateUndo ?? VMStateUndo()
    change(&undo)
    try instant.noteVMState(undo)
  }
}
