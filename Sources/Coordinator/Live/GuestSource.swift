internal import BlockSource
internal import Pump
internal import SharedPool
internal import System

/// The disks of a running machine as they were at the point in time, exported by its QEMU.
final class GuestSource: BackupSource {
  let streams: [LaneStream]
  private let link: GuestLink

  init(_ disks: [GuestDisk], _ plan: BackupPlan, _ link: GuestLink, pool: SharedPool) {
    var streams = plan.configStreams(pool)
    for disk in disks {
      streams.append(
        LaneStream(
          description: plan.streams[streams.count], size: disk.size, map: disk.map,
          openReader: { () throws(SourceError) in try disk.reader(pool) }))
    }
    self.streams = streams
    self.link = link
  }

  func endOfReading() { link.endReading() }

  func requireSound(_ summaries: [StreamSummary]) throws(JobError) { try link.requireSound() }

  func explained(_ failure: LaneFailure) -> JobError { JobError(failure) }

  /// The guest keeps running.
  func stop() -> Double { 0 }
}

/// One exported disk: how to read it, and where it has data.
struct GuestDisk: Sendable {
  let name: String
  /// Bytes.
  let size: UInt64
  let transport: Transport
  /// A connection to the export, for one reader.
  let connection: HandedDescriptor
  var map: [Extent]

  /// Waits until QEMU serves the connection: its graph must not change before that.
  fileprivate func settle() throws(JobError) {
    guard transport == .vhostUser, let socket = connection.take() else { return }
    do throws(SourceError) {
      connection.put(try GuestExport.awaitVhostUser(socket: socket))
    } catch {
      throw JobError(error, doing: "connecting to the export of \(name)")
    }
  }

  /// As ``settle()``, for all; blocks a thread of its own.
  static func settle(_ disks: [GuestDisk]) async throws(JobError) {
    try await blocking(named: "sluice-settle") { () throws(JobError) in
      for disk in disks { try disk.settle() }
    }
  }

  fileprivate func reader(_ pool: SharedPool) throws(SourceError) -> any DiskReader {
    guard let socket = connection.take() else { throw .exportGone }
    switch transport {
    case .vhostUser: return try GuestExport.vhostUserReader(socket: socket, size: size, pool: pool)
    case .nbd:
      return try GuestExport.nbdReader(socket: socket, export: name, size: size, pool: pool)
    }
  }
}
