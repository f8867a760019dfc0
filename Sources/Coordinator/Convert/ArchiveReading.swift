internal import ArchiveJobs
internal import BackupJobs
internal import BackupProtocol
internal import BlockSource
internal import CLinux
internal import JobSupport
internal import PluginHost
internal import Pump
internal import SharedPool
internal import Synchronization
internal import System

/// The thread that takes an archive apart for a conversion: configurations into memory, then disks
/// into the handover, each held against the receipt.
final class ArchiveReading: Sendable {
  /// What is known before the first disk is read.
  struct Contents: Sendable {
    var configs: [ConfigFile] = []
    /// In the order in which they are read.
    var disks: [StreamDescription] = []
    /// What is left out: a machine's memory, which is of use to its own program alone.
    var leftOut: [String] = []
    var origin = Archive.Origin()
  }

  private struct State {
    var contents = Contents()
    var isReady = false
    var result: Result<JobReport, JobError>?
    var digests: [String: Digest] = [:]
  }

  private let job: ReadJob
  private let handover: StreamHandover
  /// Where disks have data, if that was found out before; by name.
  private let maps: [String: [Extent]]
  private let state = Mutex(State())
  /// Readable from the moment that contents, or the end, are known.
  private let news: OwnedDescriptor
  private let thread = Mutex<WorkerThread?>(nil)

  /// Starts the thread.
  init(
    _ job: ReadJob, maps: [String: [Extent]], _ handover: StreamHandover
  ) throws(SystemCallError) {
    self.job = job
    self.maps = maps
    self.handover = handover
    news = OwnedDescriptor(adopting: try check(clinux_eventfd(), .eventDescriptor, "a thread"))
    let started = try WorkerThread(name: "sluice-read") { [self] in run() }
    thread.withLock { $0 = started }
  }

  /// Where a disk has data; without a map all of it may be.
  static func map(of disk: StreamDescription, in maps: [String: [Extent]]) -> [Extent] {
    if let map = maps[disk.name] { return map }
    let size = disk.size ?? 0
    return size > 0 ? [Extent(offset: 0, length: size, kind: .data)] : []
  }

  /// Waits until it is known what the archive holds.
  func contents() throws(JobError) -> Contents {
    var poller = Poller()
    poller.add(news.raw, .readable)
    try attempt("read the archive") { () throws(SystemCallError) in
      while try poller.wait(seconds: nil) == 0 {}
    }
    let (contents, isReady, result) = state.withLock { ($0.contents, $0.isReady, $0.result) }
    // An archive without disks may be read to its end by now.
    if !isReady, let result { _ = try result.get() }
    return contents
  }

  /// Waits for the thread's end.
  func end() -> Result<JobReport, JobError> {
    thread.withLock { thread in
      thread?.join()
      thread = nil
    }
    return state.withLock { $0.result } ?? .failure(JobError(.cancelled))
  }

  /// What a stream was found to be.
  func digest(of stream: String) -> Digest? { state.withLock { $0.digests[stream] } }

  private func run() {
    let result: Result<JobReport, JobError>
    do throws(JobError) {
      result = .success(try job.run(.read, doing: "convert", plan()))
    } catch {
      result = .failure(error)
    }
    handover.giverIsDone()
    state.withLock { $0.result = result }
    tell()
  }

  private func tell() {
    var one: UInt64 = 1
    unsafe _ = clinux_write(news.raw, &one, 8)
  }

  private func plan() -> ReadLane.Plan {
    let receipts = ReceiptCheck(receipt: job.archive.receipt)
    // The lane's thread alone touches it.
    var config: MemoryTarget?
    return ReadLane.Plan(
      accept: { ack throws(LaneFailure) in
        try receipts.accept(ack.streams)
        try ConfigFile.requireRoom(ack.streams)
        self.accept(ack)
      },
      target: { stream, _ throws(LaneFailure) in
        guard stream.kind == .config else {
          self.becomeReady()
          let map = Self.map(of: stream, in: self.maps)
          return HandoverTarget(name: stream.name, map: map, self.handover)
        }
        config = try ConfigFile.target(stream)
        return config
      },
      choose: { Self.ordered($0) },
      check: { stream, digest throws(LaneFailure) in
        try receipts.check(stream, digest)
        self.note(stream, digest, config.take())
      })
  }

  /// Configurations first, since they go to the head of some formats; the disks as they lie.
  private static func ordered(_ streams: [StreamDescription]) -> [StreamDescription] {
    streams.filter { $0.kind == .config } + streams.filter { $0.kind == .disk }
  }

  private func accept(_ ack: JobAck) {
    let origin = job.archive.origin(ack)
    state.withLock { state in
      state.contents.disks = ack.streams.filter { $0.kind == .disk }.map { stream in
        var disk = stream
        disk.role = job.archive.role(of: stream)
        return disk
      }
      state.contents.leftOut = ack.streams.filter { $0.kind == .vmstate }.map(\.name)
      state.contents.origin = origin
    }
  }

  private func becomeReady() {
    state.withLock { $0.isReady = true }
    tell()
  }

  private func note(_ stream: StreamDescription, _ digest: Digest, _ config: MemoryTarget?) {
    state.withLock { state in
      state.digests[stream.name] = digest
      guard let config else { return }
      state.contents.configs.append(
        ConfigFile(
          name: stream.name, bytes: config.bytes, role: job.archive.role(of: stream)))
    }
  }
}

extension ConfigFile {
  /// The archive's configurations are kept together: their sum is bounded before one is read.
  static func requireRoom(_ streams: [StreamDescription]) throws(LaneFailure) {
    var sum: UInt64 = 0
    for stream in streams where stream.kind == .config {
      sum += min(stream.size ?? 0, sumMax + 1)
      guard sum <= sumMax else {
        throw .archive(
          stream: stream.name,
          "is too large: the configurations exceed \(sumMax >> 20) MiB in total")
      }
    }
  }

  /// Where a configuration of an archive goes.
  static func target(_ stream: StreamDescription) throws(LaneFailure) -> MemoryTarget {
    let size = stream.size ?? 0
    guard size <= UInt64(byteCountMax) else {
      throw .archive(stream: stream.name, "is too large for a configuration")
    }
    return MemoryTarget(size: Int(size))
  }
}
