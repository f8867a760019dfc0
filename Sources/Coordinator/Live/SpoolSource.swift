internal import BlockSource
internal import Pump
internal import QEMUControl
internal import Sandbox
internal import SharedPool

/// The disks of a running machine that its QEMU has copied to a spool: a storage daemon of ours
/// reads them from there, and the guest is no longer involved.
final class SpoolSource: BackupSource {
  let streams: [LaneStream]
  private let daemons: [StorageDaemon]
  private let images: [FleecingImage]
  private var hasStopped = false

  /// Starts as many daemons as the disks need, and reads their allocation maps.
  init(
    _ disks: [PointInTime.Disk], _ plan: BackupPlan, _ surroundings: Surroundings,
    pool: SharedPool
  ) throws(JobError) {
    for disk in disks where !disk.image.standsAlone {
      throw JobError(
        .badData, doing: "", "the spool of \(disk.name) is not what QEMU was told to write",
        hint: "the machine's QEMU cannot be trusted; shut it down and check its disks")
    }
    var streams = plan.configStreams(pool)
    var daemons: [StorageDaemon] = []
    for start in stride(from: 0, to: disks.count, by: StorageDaemon.spoolsMax) {
      let part = Array(disks[start..<min(start + StorageDaemon.spoolsMax, disks.count)])
      let daemon = try Self.daemon(part, surroundings)
      daemons.append(daemon)
      for (index, disk) in part.enumerated() {
        streams.append(
          LaneStream(
            description: plan.streams[streams.count], size: UInt64(clamping: disk.size),
            map: try Self.map(daemon, index, disk.name),
            openReader: { () throws(SourceError) in try daemon.reader(image: index, pool: pool) }))
      }
    }
    self.streams = streams
    self.daemons = daemons
    images = disks.map(\.image)
  }

  deinit { _ = stop() }

  private static func daemon(
    _ disks: [PointInTime.Disk], _ surroundings: Surroundings
  ) throws(JobError) -> StorageDaemon {
    let spools = disks.map {
      Spool(
        name: $0.name, size: UInt64(clamping: $0.size), descriptor: $0.image.rawDescriptor)
    }
    do throws(SourceError) {
      return try StorageDaemon.start(
        spools: spools, launcher: surroundings.launcher, mode: surroundings.sandbox)
    } catch {
      throw JobError(error, doing: "starting qemu-storage-daemon")
    }
  }

  private static func map(
    _ daemon: StorageDaemon, _ index: Int, _ name: String
  ) throws(JobError) -> [Extent] {
    do throws(SourceError) { return try daemon.allocationMap(image: index) } catch {
      throw JobError(error, doing: "reading the allocation map of the spool of \(name)")
    }
  }

  func endOfReading() {}

  /// Completeness of the copy was checked before reading.
  func requireSound(_ summaries: [StreamSummary]) throws(JobError) {}

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
    return seconds
  }
}
