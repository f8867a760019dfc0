internal import BackupJobs
internal import BackupProtocol
internal import BlockSource
internal import JobSupport
internal import Pump
internal import QEMUControl
internal import Requests
internal import Sandbox
internal import SharedPool

/// The disks of a running machine that its QEMU has copied to a spool: a storage daemon of ours
/// reads them from there, and the guest is no longer involved. That the copy is complete was
/// checked before.
final class SpoolStreams: SourceStreams {
  private(set) var streams: [LaneStream]
  let parent: ChosenParent?
  private let daemons: [StorageDaemon]
  private let images: [FleecingImage]
  private let ram: GuestRAM?
  private var hasStopped = false

  /// Starts as many daemons as the disks need, and reads their allocation maps.
  init(
    _ plan: BackupPlan, _ prepared: PreparedGuest, _ order: JobOrder
  ) throws(JobError) {
    let (instant, increment) = (prepared.hold.instant, prepared.increment)
    let (surroundings, pool) = (order.surroundings, order.pool)
    let disks = instant.disks
    for disk in disks where !disk.image.standsAlone {
      throw JobError(
        .badData, "the spool of \(disk.name) is not what QEMU was told to write",
        hint: "the machine's QEMU cannot be trusted; shut it down and check its disks")
    }
    var streams = plan.configStreams(pool)
    var daemons: [StorageDaemon] = []
    for start in stride(from: 0, to: disks.count, by: StorageDaemon.spoolsMax) {
      let numbers = start..<min(start + StorageDaemon.spoolsMax, disks.count)
      let daemon = try Self.daemon(instant, numbers, surroundings)
      daemons.append(daemon)
      for (index, disk) in disks[numbers].enumerated() {
        streams.append(
          LaneStream(
            description: plan.streams[streams.count], size: UInt64(clamping: disk.size),
            map: try Self.map(daemon, index, disk.name),
            openReader: { () throws(SourceError) in try daemon.reader(image: index, pool: pool) }))
      }
    }
    ram = prepared.ram
    if let ram { streams.append(ram.stream(plan.streams[streams.count], pool)) }
    self.streams = streams
    self.daemons = daemons
    images = disks.map(\.image)
    parent = increment?.chosen
    let known = disks.indices.filter { instant.changeRecord($0) != nil }.map { disks[$0].name }
    if let increment {
      self.streams = try increment.captured(streams, knownChanges: known, order)
    }
  }

  deinit { _ = stop() }

  /// - Parameter numbers: Of the disks that the daemon serves.
  private static func daemon(
    _ instant: PointInTime, _ numbers: Range<Int>, _ surroundings: Surroundings
  ) throws(JobError) -> StorageDaemon {
    let spools = numbers.map { number in
      let disk = instant.disks[number]
      return Spool(
        name: disk.name, size: UInt64(clamping: disk.size), descriptor: disk.image.rawDescriptor,
        changes: instant.changeRecord(number))
    }
    do throws(SourceError) {
      return try StorageDaemon.start(
        spools: spools, launcher: surroundings.launcher, mode: surroundings.sandbox)
    } catch {
      throw JobError(error, cannot: "start qemu-storage-daemon")
    }
  }

  private static func map(
    _ daemon: StorageDaemon, _ index: Int, _ name: String
  ) throws(JobError) -> [Extent] {
    do throws(SourceError) { return try daemon.allocationMap(image: index) } catch {
      throw JobError(error, cannot: "read the allocation map of the spool of \(name)")
    }
  }

  func explained(_ failure: LaneFailure) -> JobError {
    guard case .source(let stream, let error) = failure else { return JobError(failure) }
    let better = daemons.lazy.map { $0.explained(error) }.first { $0 != error }
    return JobError(.source(stream: stream, better ?? error))
  }

  func stop() -> Double {
    guard !hasStopped else { return 0 }
    hasStopped = true
    let seconds = daemons.reduce(0) { $0 + ($1.stop()?.cpuSeconds ?? 0) }
    // A paused guest keeps QEMU from closing its descriptors: free the space now.
    for image in images { image.empty() }
    ram?.end()
    return seconds
  }
}
