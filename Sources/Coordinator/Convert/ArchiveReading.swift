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
/// and the state of a machine into the handover, each held against the receipt.
final class ArchiveReading: Sendable {
  /// A stream that goes through the handover: a disk, or the state of a machine.
  struct Disk: Sendable {
    var description: StreamDescription
    let size: UInt64
  }

  /// What is known before the first disk is read.
  struct Contents: Sendable {
    var configs: [ConfigFile] = []
    /// In the order in which they are read.
    var disks: [Disk] = []
    /// The state of a machine, if an output cannot hold it.
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
  private let takesState: Bool
  /// Where disks have data, if that was found out before; by name.
  private let maps: [String: [Extent]]
  private let state = Mutex(State())
  /// Readable from the moment that contents, or the end, are known.
  private let news: OwnedDescriptor
  private let thread = Mutex<WorkerThread?>(nil)

  /// Starts the thread.
  ///
  /// - Parameter takesState: Whether every output can hold the state of a machine.
  init(
    _ job: ReadJob, maps: [String: [Extent]], _ handover: StreamHandover, takesState: Bool
  ) throws(SystemCallError) {
    self.job = job
    self.takesState = takesState
    self.maps = maps
    self.handover = handover
    news = OwnedDescriptor(adopting: try check(clinux_eventfd(), .eventDescriptor, "a thread"))
    let started = try WorkerThread(name: "sluice-read") { [self] in run() }
    thread.withLock { $0 = started }
  }

  /// Where a disk has data; without a map all of it may be.
  static func map(of disk: String, size: UInt64, in maps: [String: [Extent]]) -> [Extent] {
    if let map = maps[disk] { return map }
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
        try self.accept(ack)
      },
      target: { stream, _ throws(LaneFailure) in
        guard stream.kind == .config else {
          self.becomeReady()
          let map = Self.map(
            of: stream.name, size: try stream.knownSize(), in: self.maps)
          return HandoverTarget(name: stream.name, map: map, self.handover)
        }
        config = try ConfigFile.target(stream)
        return config
      },
      choose: { self.ordered($0) },
      check: { stream, digest throws(LaneFailure) in
        try receipts.check(stream, digest)
        self.note(stream, digest, config.take())
      })
  }

  /// Configurations first, since they go to the head of some formats; the rest as it lies.
  private func ordered(_ streams: [StreamDescription]) -> [StreamDescription] {
    streams.filter { $0.kind == .config } + streams.filter { $0.kind != .config && takes($0) }
  }

  private func takes(_ stream: StreamDescription) -> Bool { takesState || stream.kind != .vmstate }

  private func accept(_ ack: JobAck) throws(LaneFailure) {
    var contents = Contents(origin: job.archive.origin(ack))
    for stream in ack.streams where stream.kind != .config {
      guard takes(stream) else {
        contents.leftOut.append(stream.name)
        continue
      }
      var disk = Disk(description: stream, size: try stream.knownSize())
      disk.description.role = job.archive.role(of: stream)
      contents.disks.append(disk)
    }
    state.withLock { [contents] in $0.contents = contents }
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
      sum += min(try stream.knownSize(), sumMax + 1)
      guard sum <= sumMax else {
        throw .archive(
          stream: stream.name,
          "is too large: the configurations exceed \(sumMax >> 20) MiB in total")
      }
    }
  }

  /// Where a configuration of an archive goes.
  static func target(_ stream: StreamDescription) throws(LaneFailure) -> MemoryTarget {
    let size = try stream.knownSize()
    guard size <= UInt64(byteCountMax) else {
      throw .archive(stream: stream.name, "is too large for a configuration")
    }
    return MemoryTarget(size: Int(size))
  }
}
