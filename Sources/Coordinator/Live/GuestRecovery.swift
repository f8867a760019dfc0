internal import JSON
internal import JobSupport
internal import QEMUControl
internal import Requests
internal import System

/// Cleans up leftovers of earlier jobs in a QEMU.
struct GuestRecovery {
  let monitor: any Monitor
  /// As journals name it.
  let socket: String
  let events: EventSink

  /// Cleans up leftovers of dead jobs.
  ///
  /// - Throws: `JobError` if a job is alive or unknown here, or cleaning up fails.
  func clear(own: JobMark) async throws(JobError) {
    let found = try await examine(own)
    do throws(ControlError) { try found.requireNoOtherJob() } catch { throw JobError(error) }
    for thaw in try await takeDown(found, includingUnknown: false) where !thaw.isClean {
      events(.warning(thaw.words ?? ""))
    }
  }

  /// Cleans up leftovers of dead and unknown jobs; a live one is an error.
  ///
  /// - Returns: Whether there was anything.
  func recover() async throws(JobError) -> Bool {
    let found = try await examine(nil)
    if let live = found.live.first {
      throw JobError(
        ControlError.anotherBackup(job: live.mark.id, process: live.process))
    }
    for thaw in try await takeDown(found, includingUnknown: true) where !thaw.isClean {
      throw JobError(
        .inputOutput, thaw.words ?? "",
        hint: .recoverAgain(socket: socket))
    }
    return !found.isEmpty
  }

  private func examine(_ own: JobMark?) async throws(JobError) -> Recovery {
    try await attempt("look for leftovers of other jobs") { () async throws(ControlError) in
      try await Recovery.examine(self.monitor, qmp: self.socket, own: own)
    }
  }

  /// - Returns: The outcome of thawing, by job.
  private func takeDown(
    _ found: Recovery, includingUnknown: Bool
  ) async throws(JobError) -> [ThawOutcome] {
    var thaws: [ThawOutcome] = []
    for (mark, outcome, thaw) in await found.takeDown(monitor, includingUnknown: includingUnknown) {
      guard outcome.isClean else {
        throw JobError(
          .inputOutput, cannot: "remove job \(mark.id) from QEMU",
          outcome.failure.map { "\($0)" } ?? "timeout",
          hint: outcome.left.isEmpty
            ? nil : .text("still in QEMU: " + outcome.left.joined(separator: ", ")))
      }
      tell(mark, outcome, thaw)
      thaws.append(thaw)
    }
    return thaws
  }

  private func tell(_ mark: JobMark, _ outcome: TakeDownOutcome, _ thaw: ThawOutcome) {
    let count = outcome.removed.count
    var facts: JSONObject = ["mark": .string(mark.id), "things": .integer(Int64(count))]
    var text =
      count == 0
      ? "no leftovers of dead job \(mark.id) in QEMU"
      : "removed \(count) leftover\(count == 1 ? "" : "s") of dead job \(mark.id) from QEMU"
    if outcome.hasContinuedGuest { text += "; guest resumed" }
    if case .thawed(let filesystems) = thaw {
      text += "; " + (thaw.words ?? "")
      facts["thawed"] = .integer(Int64(filesystems))
    }
    events(.guest(GuestStep("stale-removed", text, facts)))
  }
}
