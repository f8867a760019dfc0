internal import BackupProtocol
internal import BlockSource
internal import JobSupport
internal import PluginHost
package import Pump
internal import Requests
internal import Sandbox
package import SharedPool

/// Images of a VM that is not running: QEMUs of our own, each for some of the disks.
final class ImageStreams: SourceStreams {
  /// In the order of the plan.
  private(set) var streams: [LaneStream]
  private(set) var parent: ChosenParent?
  private let daemons: [StorageDaemon]
  /// The daemon of each image, by the image's name.
  private let daemonOf: [String: StorageDaemon]
  private var hasStopped = false

  /// Starts QEMU and asks it for the allocation maps.
  init(
    _ images: [InspectedImage], _ plan: BackupPlan, _ order: JobOrder
  ) throws(JobError) {
    let pool = order.pool
    var streams = plan.configStreams(pool)
    var daemons: [StorageDaemon] = []
    var daemonOf: [String: StorageDaemon] = [:]
    for range in DaemonGroups.ranges(images) {
      let group = Array(images[range])
      let (daemon, maps) = try Self.start(group, order.request, order.surroundings)
      daemons.append(daemon)
      for (index, image) in group.enumerated() {
        daemonOf[image.name] = daemon
        streams.append(
          LaneStream(
            description: plan.streams[streams.count], size: image.size, map: maps[index],
            openReader: { () throws(SourceError) in try daemon.reader(image: index, pool: pool) }))
      }
    }
    (self.daemons, self.daemonOf, self.streams) = (daemons, daemonOf, streams)
    try capture(plan, order)
  }

  /// Nothing notes what is written to an image file: it is compared with its parent.
  private func capture(_ plan: BackupPlan, _ order: JobOrder) throws(JobError) {
    guard let increment = order.increment else { return }
    let chosen = try increment.parent(of: plan.machine, disks: plan.disks.map(\.name))
    parent = chosen
    let why = "nothing notes what is written to an image file"
    streams = try IncrementCapture(chosen, order).streams(
      streams,
      whyNoBitmap: Dictionary(uniqueKeysWithValues: plan.disks.map { ($0.name, why) }))
  }

  deinit { _ = stop() }

  func stop() -> Double {
    guard !hasStopped else { return 0 }
    hasStopped = true
    return daemons.reduce(0) { $0 + ($1.stop()?.cpuSeconds ?? 0) }
  }

  func explained(_ failure: LaneFailure) -> JobError {
    guard case .source(let stream, let error) = failure, let daemon = daemonOf[stream] else {
      return JobError(failure)
    }
    return JobError(.source(stream: stream, daemon.explained(error)))
  }

  /// Starts QEMU with the requested transport; `auto` falls back to NBD with a warning.
  private static func start(
    _ images: [InspectedImage], _ request: BackupRequest, _ surroundings: Surroundings
  ) throws(JobError) -> (StorageDaemon, [[Extent]]) {
    switch request.transport {
    case .vhostUser: return try start(images, .vhostUser, surroundings)
    case .nbd: return try start(images, .nbd, surroundings)
    case .spool:
      throw JobError(RequestError.spoolOfImages)
    case .auto:
      do throws(JobError) { return try start(images, .vhostUser, surroundings) } catch {
        // If it is the image that QEMU does not like, NBD fails in the same words.
        let started = try start(images, .nbd, surroundings)
        surroundings.events(
          .warning("vhost-user-blk is not available, using NBD (slower): \(error)", error.remedy))
        return started
      }
    }
  }

  private static func start(
    _ images: [InspectedImage], _ transport: Transport, _ surroundings: Surroundings
  ) throws(JobError) -> (StorageDaemon, [[Extent]]) {
    let daemon: StorageDaemon
    do throws(SourceError) {
      daemon = try StorageDaemon.start(
        images: images, transport: transport, launcher: surroundings.launcher,
        mode: surroundings.sandbox)
    } catch {
      throw JobError(error, cannot: "start qemu-storage-daemon")
    }
    var maps: [[Extent]] = []
    for (index, image) in images.enumerated() {
      do throws(SourceError) { maps.append(try daemon.allocationMap(image: index)) } catch {
        _ = daemon.stop()
        throw JobError(error, cannot: "read the allocation map of disk \(image.name)")
      }
    }
    return (daemon, maps)
  }
}

extension BackupPlan {
  /// The configurations as streams, from memory.
  package func configStreams(_ pool: SharedPool) -> [LaneStream] {
    zip(configs, streams).map { config, description in
      LaneStream(
        description: description, size: UInt64(config.bytes.count), map: config.map,
        openReader: { MemoryReader(config.bytes, pool: pool) })
    }
  }
}
