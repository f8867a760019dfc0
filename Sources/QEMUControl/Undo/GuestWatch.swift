internal import JSON
internal import Synchronization
internal import System

/// Watches a guest during its backup, and resumes it if the backup paused it.
///
/// If a fleecing image fails and QEMU pauses the guest, the backup is removed from QEMU and the
/// guest resumed, here and at once; the coordinator is informed and ends the job.
package final class GuestWatch: Sendable {
  private struct State {
    /// QEMU's clock, when a guest stopped that an error of ours stopped.
    var heldSince: Double?
    /// An error of ours will stop the guest, or has.
    var isHeld = false
    var heldSeconds = 0.0
    var isRescuing = false
    /// The backup pauses the guest itself, for its RAM.
    var isPausing = false
    var pausedSince: Double?
    var pauseSeconds: Double?
  }

  private let pointInTime: PointInTime
  private let continuesGuest: Bool
  private let state = Mutex(State())
  private let output: AsyncStream<GuestObservation>.Continuation

  /// What happens, from the start of the watch on; ends with `disconnected`, or with `end()`.
  package let observations: AsyncStream<GuestObservation>

  /// - Parameters:
  ///   - continuesGuest: The guest ran when the job began.
  package init(_ pointInTime: PointInTime, continuesGuest: Bool) {
    self.pointInTime = pointInTime
    self.continuesGuest = continuesGuest
    (observations, output) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1024))
    let events = pointInTime.monitor.events()
    Task { [weak self] in
      for await event in events {
        guard let self else { return }
        self.heard(event)
      }
      self?.output.yield(.disconnected)
      self?.output.finish()
    }
  }

  deinit { output.finish() }

  /// Seconds that the guest stood still because of the backup, by QEMU's clock; a stop that still
  /// lasts does not count yet.
  package var stallSeconds: Double { state.withLock { $0.heldSeconds } }

  /// Whether the guest is paused because of the backup, or about to be.
  package var isGuestHeld: Bool { state.withLock { $0.isHeld } }

  /// Seconds for which the backup paused the guest to capture its RAM, by QEMU's clock; `nil` until
  /// the guest was resumed.
  package var pauseSeconds: Double? { state.withLock { $0.pauseSeconds } }

  /// The next pause of the guest is ours.
  package func expectPause() { state.withLock { $0.isPausing = true } }

  /// Ends the observations; the watch itself ends with its owner.
  package func end() { output.finish() }

  private func heard(_ event: QMPEvent) {
    switch event.name {
    case "BLOCK_IO_ERROR": failed(event)
    case "STOP": stopped(at: event.seconds)
    case "RESUME": resumed(at: event.seconds)
    case "JOB_STATUS_CHANGE": jobChanged(event.data)
    case "RESET": output.yield(.reset)
    case "SHUTDOWN", "POWERDOWN":
      output.yield(.shutdown(reason: event.data["reason"]?.string ?? "powerdown"))
    case "DEVICE_DELETED":
      let name = event.data["device"]?.string ?? event.data["path"]?.string ?? ""
      output.yield(.deviceDeleted(name: name))
    case QMPEvent.eventsLost: lookAfterLoss()
    default: break
    }
  }

  /// An error of a device; one of ours if the device's node is our filter at that moment.
  private func failed(_ event: QMPEvent) {
    guard let disk = disk(ofError: event.data), event.data["operation"] != "read" else { return }
    let words = event.data["reason"]?.string ?? ""
    guard event.data["action"] == "stop" else {
      output.yield(.guestSawError(disk: disk, words: words))
      return
    }
    state.withLock { $0.isHeld = true }
    output.yield(.fleecingFailed(disk: disk, words: words))
    rescue()
  }

  private func disk(ofError data: JSONObject) -> String? {
    let node = data["node-name"]?.string ?? ""
    let mark = pointInTime.mark
    return pointInTime.disks.indices.first { mark.filter($0) == node }
      .map { pointInTime.disks[$0].name }
  }

  private func stopped(at seconds: Double) {
    let isExpected = state.withLock { state in
      guard state.isPausing, state.pausedSince == nil else { return false }
      state.pausedSince = seconds
      return true
    }
    if isExpected { return }
    let isOurs = state.withLock { state in
      if state.isHeld { state.heldSince = seconds }
      return state.isHeld
    }
    if !isOurs { output.yield(.stopped) }
    // The rescue may have looked before the guest stood still.
    if isOurs { rescue() }
  }

  private func resumed(at seconds: Double) {
    let isExpected = state.withLock { state in
      guard state.isPausing, let since = state.pausedSince else { return false }
      (state.isPausing, state.pausedSince) = (false, nil)
      state.pauseSeconds = max(0, seconds - since)
      return true
    }
    if isExpected { return }
    let held = state.withLock { state -> Double? in
      defer { (state.heldSince, state.isHeld) = (nil, false) }
      guard state.isHeld, let since = state.heldSince else { return nil }
      state.heldSeconds += max(0, seconds - since)
      return max(0, seconds - since)
    }
    output.yield(held.map { .continued(seconds: $0) } ?? .resumed)
  }

  private func jobChanged(_ data: JSONObject) {
    // One that copies a disk ends when it has done so; who waits for that hears of its errors too.
    guard pointInTime.method == .fleece,
      data["status"] == "aborting" || data["status"] == "concluded",
      let id = data["id"]?.string, !pointInTime.steps.isClosed
    else { return }
    let mark = pointInTime.mark
    guard let number = pointInTime.disks.indices.first(where: { mark.job($0) == id }) else {
      return
    }
    let words = "QEMU job \(id) is \(data["status"]?.string ?? "gone")"
    output.yield(.jobEnded(disk: pointInTime.disks[number].name, words: words))
  }

  /// After lost events, asks whether the guest is paused.
  private func lookAfterLoss() {
    Task { [weak self, monitor = pointInTime.monitor] in
      let status = try? await monitor.execute("query-status", seconds: 10)
      guard let self, status?["status"] == "io-error" else { return }
      self.state.withLock { $0.isHeld = true }
      self.rescue()
    }
  }

  /// Takes the backup down and continues the guest; one rescue at a time, and another behind it
  /// where the guest is still held.
  private func rescue() {
    let begins = state.withLock { state in
      if state.isRescuing || !state.isHeld { return false }
      state.isRescuing = true
      return true
    }
    guard begins else { return }
    Task { [pointInTime, continuesGuest, weak self] in
      for _ in 0..<100 {
        _ = await pointInTime.takeDown(continuesGuest: continuesGuest, seconds: 5)
        guard continuesGuest, let self, self.isGuestHeld else { break }
        await pause(milliseconds: 20)
      }
      self?.state.withLock { $0.isRescuing = false }
    }
  }
}
