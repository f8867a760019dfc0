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
    for thaw in try await takeDown(found, includingUnknown: false) where !thaw.isClean {
      events(.warning(thaw.words ?? ""))
    }
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
    for thaw in try await takeDown(found, includingUnknown: true) where !thaw.isClean {
      throw JobError(
        .inputOutput, doing: "", thaw.words ?? "",
        hint: "see to the guest agent, then sluice recover --qmp \(socket) once more; "
          + "or in the guest: fsfreeze --unfreeze")
    }
    return !found.isEmpty
  }

  private func examine(_ own: JobMark?) async throws(JobError) -> Recovery {
    try await controlling("looking for what other jobs left") { () throws(ControlError) in
      try await Recovery.examine(self.client, qmp: self.socket, own: own)
    }
  }

  /// - Returns: What became of guests that were frozen, by job.
  private func takeDown(
    _ found: Recovery, includingUnknown: Bool
  ) async throws(JobError) -> [ThawOutcome] {
    var thaws: [ThawOutcome] = []
    for (mark, outcome, thaw) in await found.takeDown(client, includingUnknown: includingUnknown) {
      guard outcome.isClean else {
        throw JobError(
          .inputOutput, doing: "taking down job \(mark.id)",
          outcome.failure.map { "\($0)" } ?? "it would not go in time",
          hint: outcome.left.isEmpty ? nil : "left: " + outcome.left.joined(separator: ", "))
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
      ? "the dead job \(mark.id) had left nothing in QEMU"
      : "removed what the dead job \(mark.id) had left in QEMU (\(count) things)"
    if outcome.hasContinuedGuest { text += "; the guest goes on" }
    if case .thawed(let filesystems) = thaw {
      text += "; " + (thaw.words ?? "")
      facts["thawed"] = .integer(Int64(filesystems))
    }
    events(.guest(GuestStep("stale-removed", text, facts)))
  }
}
