internal import BackupProtocol
internal import CLinux
internal import JSON
internal import SharedPool
internal import System

extension CaseBench {
  /// Half of it is always on its way, and it fits into a processor's cache.
  private static let poolBytes = 16 << 20
  /// What every pipe may hold without asking.
  private static let pipeBytes: Int32 = 1 << 20

  /// Writes an archive of one disk, which goes away again.
  ///
  /// - Throws: ``NotApplicable`` if the plugin declines the pool.
  func speed(_ way: SpeedWay, byteCount: UInt64) throws -> SpeedSample {
    let host = try startWriter(Self.setup(way, byteCount))
    try host.greet()
    if way.usesPool { try require(host.isShared, "the plugin declines the pool") }
    let contents = contents.map { $0.stream.kind == .disk ? $0.resized(byteCount) : $0 }
    guard let disk = contents.first(where: { $0.stream.kind == .disk }) else {
      throw NotApplicable("the format takes no disk")
    }
    try host.start(contents)
    try host.sendSpeedMap(of: disk)
    for content in contents where content.stream.kind != .disk { try host.write(content) }
    let piece = host.fillPieces(way)
    if !way.usesPool, let raw = host.plugin.toPlugin?.raw {
      _ = clinux_set_pipe_capacity(raw, Self.pipeBytes)
    }
    return try host.timed {
      try host.stream(
        disk.stream.id, byteCount: byteCount, pieceBytes: way.pieceBytes, inline: piece)
    }
  }

  private static func setup(_ way: SpeedWay, _ byteCount: UInt64) -> CaseSetup {
    var setup = CaseSetup()
    setup.hasPool = way.usesPool
    let slotCount = min(poolBytes / way.pieceBytes, Int(Limits.slotCount.upperBound))
    setup.shape = PoolShape(slotCount: slotCount, slotBytes: way.pieceBytes)
    (setup.windowBytes, setup.inflight) = (Limits.windowBytesDefault, Limits.inflight.upperBound)
    setup.isPoisoning = false
    setup.archiveBytesMax = Int64(clamping: 2 * byteCount + 64 << 20)
    return setup
  }
}

extension Content {
  /// A disk of another size, of which the bytes are not kept.
  fileprivate func resized(_ byteCount: UInt64) -> Content {
    var content = self
    content.stream.size = byteCount
    (content.bytes, content.extents) = ([], nil)
    return content
  }
}

extension CaseHost {
  /// All of the disk is data, and of what is small enough to be kept what it is.
  fileprivate func sendSpeedMap(of disk: Content) throws {
    guard accepted.contains("map"), let size = disk.stream.size else { return }
    try sendMap([Extent(offset: 0, length: size, kind: .data)], of: disk.stream.id)
  }

  /// Puts bytes that do not compress into every slot; what every DATA in a frame has.
  fileprivate func fillPieces(_ way: SpeedWay) -> [UInt8] {
    let piece = Bytes.noise(way.pieceBytes, seed: 1)
    for slot in freeSlots where way.usesPool {
      pool?.fill(slot, with: Bytes.noise(way.pieceBytes, seed: UInt64(slot + 1))[...])
    }
    return piece
  }

  /// Does `body`, and takes the time from there to FINISHED.
  fileprivate func timed(_ body: () throws -> Void) throws -> SpeedSample {
    let (started, used, waited) = (
      MonotonicTime.now, clinux_thread_nanoseconds(), waitedSeconds
    )
    try body()
    try send { $0.append(.finish, [:]) }
    machine.sentFinish()
    let finished = try self.await(.finished, "6.3-2")
    let wall = MonotonicTime.now.seconds(since: started)
    let host = Double(clinux_thread_nanoseconds() - used) / 1e9
    let waiting = waitedSeconds - waited
    _ = try end(with: finished)
    return SpeedSample(
      wallSeconds: wall, pluginSeconds: plugin.cpuSeconds, hostSeconds: host,
      waitedSeconds: waiting)
  }
}
