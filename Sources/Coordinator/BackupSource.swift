internal import BackupProtocol
internal import BlockSource
internal import PluginHost
internal import Pump
internal import Sandbox
internal import SharedPool

/// Where a job's bytes come from: one QEMU for all disks, memory for configurations.
final class BackupSource {
  /// In the order of the plan.
  let streams: [LaneStream]
  private let daemon: StorageDaemon?
  private var hasStopped = false

  /// Starts QEMU and asks it where there is data.
  init(
    _ plan: BackupPlan, _ request: BackupRequest, _ surroundings: Surroundings, pool: SharedPool
  ) throws(JobError) {
    var streams: [LaneStream] = []
    for config in plan.configs {
      streams.append(
        LaneStream(
          description: plan.streams[streams.count], size: UInt64(config.bytes.count),
          map: config.map, openReader: { MemoryReader(config.bytes, pool: pool) }))
    }
    guard !plan.images.isEmpty else {
      daemon = nil
      self.streams = streams
      return
    }
    let (daemon, maps) = try Self.start(plan, request, surroundings)
    for index in plan.images.indices {
      streams.append(
        LaneStream(
          description: plan.streams[streams.count], size: plan.images[index].size,
          map: maps[index],
          openReader: { () throws(SourceError) in try daemon.reader(image: index, pool: pool) }))
    }
    self.daemon = daemon
    self.streams = streams
  }

  deinit { _ = stop() }

  /// Ends QEMU.
  ///
  /// - Returns: CPU seconds it took; 0 from the second call on.
  func stop() -> Double {
    guard !hasStopped else { return 0 }
    hasStopped = true
    return daemon?.stop()?.cpuSeconds ?? 0
  }

  /// A failure of reading, with what QEMU or its sandbox said about it.
  func explained(_ failure: LaneFailure) -> LaneFailure {
    guard let daemon, case .source(let stream, let error) = failure else { return failure }
    return .source(stream: stream, daemon.explained(error))
  }

  /// Starts QEMU with the wished transport; `auto` falls back to NBD, and says so.
  private static func start(
    _ plan: BackupPlan, _ request: BackupRequest, _ surroundings: Surroundings
  ) throws(JobError) -> (StorageDaemon, [[Extent]]) {
    switch request.transport {
    case .vhostUser: return try start(plan, .vhostUser, surroundings)
    case .nbd: return try start(plan, .nbd, surroundings)
    case .auto:
      do throws(JobError) { return try start(plan, .vhostUser, surroundings) } catch {
        // If it is the image that QEMU does not like, NBD fails in the same words.
        let started = try start(plan, .nbd, surroundings)
        surroundings.events(
          .warning("this QEMU does not serve vhost-user-blk; NBD is slower: \(error.message)"))
        return started
      }
    }
  }

  private static func start(
    _ plan: BackupPlan, _ transport: Transport, _ surroundings: Surroundings
  ) throws(JobError) -> (StorageDaemon, [[Extent]]) {
    let daemon: StorageDaemon
    do throws(SourceError) {
      daemon = try StorageDaemon.start(
        images: plan.images, transport: transport, launcher: surroundings.launcher,
        mode: surroundings.sandbox)
    } catch {
      throw JobError(error, doing: "starting qemu-storage-daemon")
    }
    var maps: [[Extent]] = []
    for (index, image) in plan.images.enumerated() {
      do throws(SourceError) { maps.append(try daemon.allocationMap(image: index)) } catch {
        _ = daemon.stop()
        throw JobError(error, doing: "asking where disk \(image.name) has data")
      }
    }
    return (daemon, maps)
  }
}
