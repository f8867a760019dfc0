internal import CLinux
internal import Glibc
internal import JSON
internal import Synchronization
internal import System

/// Disks of a running machine as they were at a point in time, to be read while the guest keeps
/// running.
///
/// Each disk gets a fleecing image, an overlay with the disk's own node as backing file; a backup
/// job of QEMU with `sync=none` copies old contents there before the guest overwrites them (QEMU
/// `qapi/block-core.json`, `blockdev-backup`). All these jobs are started in one transaction, while
/// QEMU's main loop does nothing else: that is the point in time.
///
/// Where nothing can be exported, the jobs have `sync=full` instead: QEMU copies the disks as they
/// were at that time to the images, which are then called a spool and have no backing file.
///
/// Order: `prepare`, `take`, exports or `copyProgress` until all is copied, `takeDown`. After any
/// error, and after success, the owner calls `takeDown`; it may be called at any time and more than
/// once.
package final class PointInTime: Sendable {
  /// A disk of the point in time.
  package struct Disk: Sendable {
    /// For messages, and the name of its NBD export.
    package let name: String
    /// The topmost node of its medium.
    package let node: String
    /// The guest's view in bytes.
    package let size: Int64
    package let image: FleecingImage
    /// `nil`: its bitmaps stay as they are.
    package let bitmaps: DiskBitmaps?

    package init(
      name: String, node: String, size: Int64, image: FleecingImage, bitmaps: DiskBitmaps? = nil
    ) {
      self.name = name
      self.node = node
      self.size = size
      self.image = image
      self.bitmaps = bitmaps
    }
  }

  /// How QEMU preserves the point in time.
  package enum Method: Equatable, Sendable {
    /// Copies what the guest overwrites, as long as the jobs run.
    case fleece
    /// Copies everything, then ends.
    ///
    /// - bytesPerSecond: Of data, of all disks together.
    /// - boundsWorkers: QEMU can limit the number of requests in flight.
    case spool(bytesPerSecond: Int64, boundsWorkers: Bool)
  }

  /// When it was, and how long it took.
  package struct Taken: Equatable, Sendable {
    /// Seconds since 1970, by this host's clock, just after the point in time.
    package let seconds: Double
    /// From the command to QEMU's answer.
    package let milliseconds: Double
  }

  /// Seconds for one command; QEMU takes milliseconds, on a loaded disk more.
  private static let commandSeconds = 10.0

  package let mark: JobMark
  package let disks: [Disk]
  package let method: Method
  let monitor: any Monitor
  let journal: Journal?
  let steps = StepGate()
  private let observer: (@Sendable (_ command: String) -> Void)?

  /// Changes nothing in QEMU.
  ///
  /// - Parameters:
  ///   - disks: 1...512; each node and image once.
  ///   - method: How the point in time is preserved.
  ///   - journal: Notes the NBD server before it is started.
  ///   - observer: Called after each QEMU command.
  package init(
    _ monitor: any Monitor, mark: JobMark, disks: [Disk], method: Method = .fleece,
    journal: Journal?,
    observer: (@Sendable (_ command: String) -> Void)? = nil
  ) {
    self.monitor = monitor
    self.mark = mark
    self.disks = disks
    self.method = method
    self.journal = journal
    self.observer = observer
  }

  /// Passes the fleecing images to QEMU and creates the overlays; the guest is not affected.
  ///
  /// - Throws: `qmp`, `unexpected`, `ended`; the owner calls `takeDown`.
  package func prepare() async throws(ControlError) {
    for number in disks.indices { try await prepare(number) }
  }

  private func prepare(_ number: Int) async throws(ControlError) {
    let disk = disks[number]
    let set = try await execute(
      "add-fd", ["opaque": .string(mark.descriptorSet(number))], passing: disk.image.rawDescriptor)
    guard let descriptors = set["fdset-id"]?.integer else {
      throw .unexpected(command: "add-fd", what: "no fdset-id")
    }
    // The file is private: no locks. It is lost with QEMU: no flushes.
    try await execute(
      "blockdev-add",
      [
        "driver": "file", "node-name": .string(mark.file(number)),
        "filename": .string("/dev/fdset/\(descriptors)"), "locking": "off",
        "cache": ["no-flush": true],
      ])
    try await execute(
      "blockdev-add",
      [
        "driver": "qcow2", "node-name": .string(mark.overlay(number)),
        "file": .string(mark.file(number)),
        "backing": method == .fleece ? .string(disk.node) : .null,
        "cache": ["no-flush": true],
      ])
  }

  /// Takes the point in time of all disks; the guest keeps running.
  ///
  /// - Throws: `busy` if a disk is in use, `bitmapUnusable`, `qmp`, `ended`; then no job was
  ///   started, and no bitmap made.
  package func take() async throws(ControlError) -> Taken {
    let actions = disks.indices.map { number -> JSONValue in
      ["type": "blockdev-backup", "data": .object(job(number))]
    }
    let start = MonotonicTime.now
    do throws(ControlError) {
      try await execute("transaction", ["actions": .array(actions + bitmapActions)])
    } catch {
      guard case .qmp(.refused(_, _, let words)) = error else { throw error }
      if let reason = try await lostParent() { throw reason }
      throw try await busy(words)
    }
    let milliseconds = MonotonicTime.now.seconds(since: start) * 1000
    let taken = Taken(seconds: Self.clock(), milliseconds: milliseconds)
    noteBitmaps(taken)
    return taken
  }

  private func job(_ number: Int) -> JSONObject {
    var job: JSONObject = [
      "job-id": .string(mark.job(number)), "device": .string(disks[number].node),
      "target": .string(mark.overlay(number)), "sync": "none",
      "filter-node-name": .string(mark.filter(number)), "auto-dismiss": false,
    ]
    if case .spool(let speed, let boundsWorkers) = method { slow(&job, speed, boundsWorkers) }
    return job
  }

  /// What a refused transaction means: QEMU names a node, people know disks and jobs.
  private func busy(_ words: String) async throws(ControlError) -> ControlError {
    let jobs = try await execute("query-jobs").array ?? []
    let others = jobs.compactMap { $0["id"]?.string }.filter { JobMark(markOf: $0) == nil }
    // The longest name first: "#block1" is also the beginning of "#block12".
    let disk = disks.sorted { $0.node.count > $1.node.count }.first { words.contains($0.node) }
    let name = disk?.name ?? disks.map(\.name).joined(separator: ", ")
    return .busy(disk: name, by: others, words: words)
  }

  private static func clock() -> Double {
    var time = timespec()
    unsafe _ = clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Bytes of each disk that were copied for the guest's writes so far; 0 for what has ended.
  package func fleecedBytes() async throws(ControlError) -> [Int64] {
    let jobs = try await execute("query-jobs").array ?? []
    return disks.indices.map { number in
      let job = jobs.first { $0["id"]?.string == mark.job(number) }
      return job?["current-progress"]?.integer ?? 0
    }
  }

  /// Removes everything from QEMU, after pending steps have ended.
  ///
  /// - Parameters:
  ///   - continuesGuest: Resume a guest paused by an I/O error, if it ran before the job.
  ///   - keepsContents: The images are read afterwards.
  ///   - seconds: Limit; usually it takes some 20 ms.
  package func takeDown(
    continuesGuest: Bool = true, keepsContents: Bool = false, seconds: Double = 5
  ) async -> TakeDownOutcome {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    await steps.close(until: deadline)
    let outcome = await TakeDown.run(
      monitor, of: mark,
      knowing: TakeDown.Knowledge(
        ownsNBDServer: journal?.contents.ownsNBDServer ?? steps.ownsNBDServer,
        continuesGuest: continuesGuest, keepsContents: keepsContents, vmState: vmStateUndo),
      seconds: deadline.seconds(since: .now))
    if outcome.isClean {
      noteNBDServer(false)
      try? noteVMState(nil)
    } else if outcome.hasContinuedGuest, var undo = vmStateUndo {
      // Whoever pauses it from now on is somebody else.
      undo.isPaused = false
      try? noteVMState(undo)
    }
    return outcome
  }

  func noteNBDServer(_ isOurs: Bool) {
    steps.noteNBDServer(isOurs)
    // A full disk must not stop a backup: the name of an NBD export tells as much, except for the
    // moment in which there is none.
    try? journal?.update { $0.ownsNBDServer = isOurs }
  }

  /// What a capture of RAM has changed and not put back.
  var vmStateUndo: VMStateUndo? { steps.vmState }

  /// - Throws: `system` if the journal cannot be written: then whoever cleans up after a dead
  ///   coordinator would not know what to undo.
  func noteVMState(_ undo: VMStateUndo?) throws(ControlError) {
    guard steps.vmState != undo else { return }
    steps.noteVMState(undo)
    do throws(SystemCallError) { try journal?.update { $0.vmState = undo } } catch {
      throw .system(error)
    }
  }

  /// Asks QEMU for a step, unless the take-down has begun.
  @discardableResult
  func execute(
    _ command: String, _ arguments: JSONObject = [:], passing descriptor: Int32? = nil
  ) async throws(ControlError) -> JSONValue {
    guard steps.enter() else { throw .ended }
    defer { steps.leave() }
    do throws(QMPError) {
      let answer = try await monitor.execute(
        command, arguments, seconds: Self.commandSeconds, passing: descriptor)
      observer?(command)
      return answer
    } catch {
      throw .qmp(error)
    }
  }
}
