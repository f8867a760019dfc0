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
    let daemon = try Self.start(plan, request, surroundings)
    for index in plan.images.indices {
      let map = try Self.map(daemon, plan.images[index].name, index)
      streams.append(
        LaneStream(
          description: plan.streams[streams.count], size: plan.images[index].size, map: map,
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

  private static func start(
    _ plan: BackupPlan, _ request: BackupRequest, _ surroundings: Surroundings
  ) throws(JobError) -> StorageDaemon {
    let transport: Transport = request.transport == .nbd ? .nbd : .vhostUser
    do throws(SourceError) {
      return try StorageDaemon.start(
        images: plan.images, transport: transport, launcher: surroundings.launcher,
        mode: surroundings.sandbox)
    } catch {
      throw JobError(error, doing: "starting qemu-storage-daemon")
    }
  }

  private static func map(
    _ daemon: StorageDaemon, _ name: String, _ index: Int
  ) throws(JobError) -> [Extent] {
    do throws(SourceError) { return try daemon.allocationMap(image: index) } catch {
      throw JobError(error, doing: "asking where disk \(name) has data")
    }
  }
}
