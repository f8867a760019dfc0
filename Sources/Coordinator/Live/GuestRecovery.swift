internal import JSON
internal import QEMUControl
internal import System

/// Cleans up leftovers of earlier jobs in a QEMU.
struct GuestRecovery {
  let client: QMPClient
  /// As journals name it.
  let socket: String
  let events: EventSink

  /// Cleans up leftovers of dead jobs.
  ///
  /// - Throws: `JobError` if a job is alive or unknown here, or cleaning up fails.
  func clear(own: JobMark) async throws(JobError) {
    let found = try await examine(own)
    try blockingControl("") { () throws(ControlError) in try found.requireNobody() }
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
        ControlError.anotherBackup(job: live.mark.id, process: live.process), doing: "")
    }
    for thaw in try await takeDown(found, includingUnknown: true) where !thaw.isClean {
      throw JobError(
        .inputOutput, doing: "", thaw.words ?? "",
        hint: "check the guest agent, then run sluice recover --qmp \(socket) again; "
          + "or run fsfreeze --unfreeze in the guest")
    }
    return !found.isEmpty
  }

  private func examine(_ own: JobMark?) async throws(JobError) -> Recovery {
    try await controlling("looking for leftovers of other jobs") { () throws(ControlError) in
      try await Recovery.examine(self.client, qmp: self.socket, own: own)
    }
  }

  /// - Returns: The outcome of thawing, by job.
  private func takeDown(
    _ found: Recovery, includingUnknown: Bool
  ) async throws(JobError) -> [ThawOutcome] {
    var thaws: [ThawOutcome] = []
    for (mark, outcome, thaw) in await found.takeDown(client, includingUnknown: includingUnknown) {
      guard outcome.isClean else {
        throw JobError(
          .inputOutput, doing: "removing job \(mark.id) from QEMU",
          outcome.failure.map { "\($0)" } ?? "timeout",
          hint: outcome.left.isEmpty
            ? nil : "still in QEMU: " + outcome.left.joined(separator: ", "))
      }
      tell(mark, outcome, thaw)
      thaws.append(thaw)
    }
    return thaws
  }

  private func tell(_ mark: JobMark, _ outcome: TakeDownOutcome, _ thaw: ThawOutcome) {
    let count = outcome.removed.count
    var facts: JSONObject = ["job": .string(mark.id), "things": .integer(Int64(count))]
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
