internal import BackupProtocol
internal import BlockSource
internal import PluginHost
internal import Pump
internal import Sandbox
internal import SharedPool

/// Images of a VM that is not running: QEMUs of our own, each for some of the disks.
final class ImageSource: BackupSource {
  /// In the order of the plan.
  let streams: [LaneStream]
  private let daemons: [StorageDaemon]
  /// The daemon of each image, by the image's name.
  private let daemonOf: [String: StorageDaemon]
  private var hasStopped = false

  /// Starts QEMU and asks it for the allocation maps.
  init(
    _ images: [InspectedImage], _ plan: BackupPlan, _ request: BackupRequest,
    _ surroundings: Surroundings, pool: SharedPool
  ) throws(JobError) {
    var streams = plan.configStreams(pool)
    var daemons: [StorageDaemon] = []
    var daemonOf: [String: StorageDaemon] = [:]
    for range in DaemonGroups.ranges(images) {
      let group = Array(images[range])
      let (daemon, maps) = try Self.start(group, request, surroundings)
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
  }

  deinit { _ = stop() }

  func endOfReading() {}

  func requireSound(_ summaries: [StreamSummary]) throws(JobError) {}

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

  /// The requested images, each inspected in a sandbox.
  static func images(
    _ request: BackupRequest, _ surroundings: Surroundings
  ) throws(JobError) -> [InspectedImage] {
    var images: [InspectedImage] = []
    for image in request.images {
      guard StreamDescription.isAcceptable(name: image.name) else {
        throw JobError(
          .usage, doing: "", "invalid disk name \"\(image.name)\"",
          hint: "1 to 255 bytes, no slash, no control characters, no leading dot")
      }
      let wanted = ImageRequest(
        name: image.name, path: image.path, format: image.format,
        allowBacking: request.allowBacking)
      do {
        images.append(
          try ImageInspector.inspect(
            wanted, launcher: surroundings.launcher, mode: surroundings.sandbox))
      } catch {
        throw JobError(error, cannot: "open disk \(image.name)")
      }
    }
    try judge(images, request, surroundings)
    return images
  }

  /// Warns of oddities of images before anything is read; `--strict` refuses them.
  private static func judge(
    _ images: [InspectedImage], _ request: BackupRequest, _ surroundings: Surroundings
  ) throws(JobError) {
    for image in images {
      for warning in image.warnings {
        guard !request.isStrict else {
          throw JobError(
            .badData, cannot: "open disk \(image.name)", "\(warning)",
            hint: "without --strict this is only a warning")
        }
        surroundings.events(.warning("disk \(image.name): \(warning)"))
      }
    }
  }

  /// Starts QEMU with the requested transport; `auto` falls back to NBD with a warning.
  private static func start(
    _ images: [InspectedImage], _ request: BackupRequest, _ surroundings: Surroundings
  ) throws(JobError) -> (StorageDaemon, [[Extent]]) {
    switch request.transport {
    case .vhostUser: return try start(images, .vhostUser, surroundings)
    case .nbd: return try start(images, .nbd, surroundings)
    case .spool:
      throw JobError(
        .usage, doing: "", "--transport spool is for running VMs only",
        hint: "use --transport auto")
    case .auto:
      do throws(JobError) { return try start(images, .vhostUser, surroundings) } catch {
        // If it is the image that QEMU does not like, NBD fails in the same words.
        let started = try start(images, .nbd, surroundings)
        surroundings.events(
          .warning("vhost-user-blk is not available, using NBD (slower): \(error.sentence)"))
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
  func configStreams(_ pool: SharedPool) -> [LaneStream] {
    zip(configs, streams).map { config, description in
      LaneStream(
        description: description, size: UInt64(config.bytes.count), map: config.map,
        openReader: { MemoryReader(config.bytes, pool: pool) })
    }
  }
}
