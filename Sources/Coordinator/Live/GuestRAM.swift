internal import BackupJobs
internal import BackupProtocol
internal import BlockSource
internal import JSON
internal import JobSupport
internal import Pump
internal import QEMUControl
internal import Requests
internal import SharedPool
internal import Synchronization
internal import System

/// The RAM of a running machine in its backup: captured at the instant of the disks, then read
/// from the file that QEMU has written it to.
final class GuestRAM: Sendable {
  /// What the stream is called in every archive.
  static let streamName = "vmstate"
  private static let pollMilliseconds = 10
  /// Seconds between two progress messages.
  private static let wordsSeconds = 10.0

  let capture: VMStateCapture
  private let order: JobOrder
  /// Seconds for which the guest may be paused; `nil`: the user asked for the pause.
  private let pauseLimit: Double?
  private let seconds = Mutex(0.0)

  init(_ capture: VMStateCapture, _ guest: GuestRequest, _ order: JobOrder) {
    self.capture = capture
    self.order = order
    pauseLimit = guest.vmState == .auto && Self.pauses(capture.choice) ? guest.stallLimit : nil
  }

  private static func pauses(_ choice: VMStateChoice) -> Bool {
    choice.way == .stop && choice.isGuestRunning
  }

  private var choice: VMStateChoice { capture.choice }
  private var events: EventSink { order.surroundings.events }

  /// Takes the point in time of disks and RAM, and waits until the RAM is in its file.
  ///
  /// - Throws: `JobError`; the owner of `hold` cleans up.
  func take(_ hold: GuestHold) async throws(JobError) -> PointInTime.Taken {
    let (capture, instant) = (self.capture, hold.instant)
    try await attempt("prepare the capture of RAM") { () async throws(ControlError) in
      if choice.way == .background { try await instant.prepare() }
      try await capture.arm()
      hold.watch.expectPause()
      try await capture.pauseGuest()
    }
    let taken: PointInTime.Taken
    switch choice.way {
    case .background:
      taken = try await attempt(Self.capturing) { () async throws(ControlError) in
        let taken = try await instant.take()
        try await capture.start()
        try await capture.resumeGuest()
        return taken
      }
      try await complete()
    case .stop:
      try await attempt(Self.capturing, capture.start)
      try await complete()
      taken = try await attempt(Self.capturing) { () async throws(ControlError) in
        try await capture.requirePaused()
        try await capture.activateDisks()
        try await instant.prepare()
        let taken = try await instant.take()
        try await capture.resumeGuest()
        return taken
      }
    }
    try await attempt(Self.capturing, capture.finish)
    await tell(hold)
    return taken
  }

  private static let capturing = "capture the RAM"

  /// Waits until QEMU has written everything.
  private func complete() async throws(JobError) {
    let started = MonotonicTime.now
    var (moved, told, last) = (started, started, Int64(-1))
    while true {
      try order.requireNotStopped()
      let progress = try await attempt(Self.capturing, capture.progress)
      if case .failed(let words) = progress { throw failed(words) }
      if progress == .complete { break }
      let bytes = capture.spool.byteCount
      if bytes != last { (moved, last) = (.now, bytes) }
      try requirePace(since: started, lastMoved: moved)
      if MonotonicTime.now.seconds(since: told) >= Self.wordsSeconds {
        told = .now
        tell(bytes)
      }
      try? await Task.sleep(for: .milliseconds(Self.pollMilliseconds))
    }
    seconds.withLock { $0 = MonotonicTime.now.seconds(since: started) }
  }

  private func requirePace(
    since started: MonotonicTime, lastMoved: MonotonicTime
  ) throws(JobError) {
    let now = MonotonicTime.now
    if now.seconds(since: lastMoved) >= order.request.stallLimit {
      throw JobError(
        .inputOutput, "no progress capturing the RAM for \(Int(order.request.stallLimit)) s",
        hint: .moreTime(.spool))
    }
    if let pauseLimit, now.seconds(since: started) >= pauseLimit {
      throw JobError(
        .unavailable,
        "copying the RAM pauses the guest for more than \(pauseLimit) s: backup aborted, guest "
          + "resumed",
        hint: .allowPause)
    }
  }

  private func failed(_ words: String) -> JobError {
    let directory = capture.spool.directory
    let free = (try? directory.freeBytes()) ?? .max
    let isFull = free < Int64(FleecingChoice.marginBytes)
    return JobError(
      .inputOutput, cannot: Self.capturing,
      isFull
        ? "\(directory.path) is full (\(words))" : "\(ControlError.vmStateFailed(words: words))",
      hint: isFull ? .freeSpaceThere : nil)
  }

  // What is told

  /// For the plan and the doctor.
  static func text(_ choice: VMStateChoice) -> String {
    let way = choice.way == .background ? "in the background" : "while the guest is paused"
    let why = choice.reason.map { ", because \(cleaned($0))" }
    let pause = choice.way.pauseText(
      ramBytes: choice.ramBytes, isGuestRunning: choice.isGuestRunning)
    return "\(choice.ramBytes >> 20) MiB of RAM are copied \(way)\(why ?? ""); \(pause)"
  }

  private func tell(_ bytes: Int64) {
    events(
      .guest(
        GuestStep(
          "vmstate-copying", "\(bytes >> 20) MiB of RAM and device state copied",
          ["bytes": .integer(bytes), "ram": .integer(choice.ramBytes)])))
  }

  private func tell(_ hold: GuestHold) async {
    // The event of the resumed guest is on its way.
    for _ in 0..<100 where choice.isGuestRunning && hold.watch.pauseSeconds == nil {
      try? await Task.sleep(for: .milliseconds(10))
    }
    let report = report(hold)
    var facts: JSONObject = [
      "way": .string(choice.way.rawValue), "bytes": JSONValue(report.storedBytes),
      "seconds": .real(report.seconds),
    ]
    facts["pause"] = report.pauseSeconds.map { .real(($0 * 1000).rounded()) }
    events(.guest(GuestStep("vmstate", report.text, facts)))
    if choice.endsPostmigrate {
      events(
        .warning(
          "the machine stays paused; QEMU calls it \"postmigrate\" until it is resumed, and its "
            + "RAM cannot be backed up again before that"))
    }
  }

  /// What the capture has cost, once it is complete.
  func report(_ hold: GuestHold) -> VMStateReport {
    VMStateReport(
      way: choice.way.rawValue, storedBytes: UInt64(clamping: capture.spool.byteCount),
      seconds: seconds.withLock { $0 }, pauseSeconds: hold.watch.pauseSeconds)
  }
}

// What is read

extension GuestRAM {
  /// The stream as the plan has it.
  var planned: BackupPlan.Disk {
    BackupPlan.Disk(
      name: Self.streamName, kind: .vmstate, role: "vmstate",
      size: UInt64(clamping: capture.spool.byteCount))
  }

  /// The stream to be read from the file.
  func stream(_ description: StreamDescription, _ pool: SharedPool) -> LaneStream {
    let size = UInt64(clamping: capture.spool.byteCount)
    let spool = capture.spool
    return LaneStream(
      description: description, size: size,
      map: size == 0 ? [] : [Extent(offset: 0, length: size, kind: .data)], needsSource: false,
      openReader: { () throws(SourceError) in
        do throws(SystemCallError) {
          return FileReader(try spool.duplicate(), subject: "the captured RAM", pool: pool)
        } catch {
          throw .system(error)
        }
      })
  }

  /// Frees the space of what is archived, or will not be.
  func end() { capture.spool.empty() }
}
