internal import JSON
internal import QEMUControl
internal import System

/// Sees to what earlier jobs have left in a QEMU.
struct GuestRecovery {
  let client: QMPClient
  /// As journals name it.
  let socket: String
  let events: EventSink

  /// Takes down what dead jobs left.
  ///
  /// - Throws: `JobError` if a job lives, or is unknown here, or something would not go.
  func clear(own: JobMark) async throws(JobError) {
    let found = try await examine(own)
    try blockingControl("") { () throws(ControlError) in try found.requireNobody() }
    try await takeDown(found, includingUnknown: false)
  }

  /// Takes down what dead and unknown jobs left; a live one is refused.
  ///
  /// - Returns: Whether there was anything.
  func recover() async throws(JobError) -> Bool {
    let found = try await examine(nil)
    if let live = found.live.first {
      throw JobError(
        ControlError.anotherBackup(job: live.mark.id, process: live.process), doing: "")
    }
    try await takeDown(found, includingUnknown: true)
    return !found.isEmpty
  }

  private func examine(_ own: JobMark?) async throws(JobError) -> Recovery {
    try await controlling("looking for what other jobs left") { () throws(ControlError) in
      try await Recovery.examine(self.client, qmp: self.socket, own: own)
    }
  }

  private func takeDown(_ found: Recovery, includingUnknown: Bool) async throws(JobError) {
    for (mark, outcome) in await found.takeDown(client, includingUnknown: includingUnknown) {
      guard outcome.isClean else {
        throw JobError(
          .inputOutput, doing: "taking down job \(mark.id)",
          outcome.failure.map { "\($0)" } ?? "it would not go in time",
          hint: outcome.left.isEmpty ? nil : "left: " + outcome.left.joined(separator: ", "))
      }
      events(
        .guest(
          GuestStep(
            "stale-removed",
            "removed what the dead job \(mark.id) had left in QEMU "
              + "(\(outcome.removed.count) things)"
              + (outcome.hasContinuedGuest ? "; the guest goes on" : ""),
            ["job": .string(mark.id), "things": .integer(Int64(outcome.removed.count))])))
    }
  }
}
