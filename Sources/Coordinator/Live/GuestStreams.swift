internal import BackupJobs
internal import BackupProtocol
internal import BlockSource
internal import JobSupport
internal import Pump
internal import SharedPool
internal import System

/// The disks of a running machine as they were at the point in time, exported by its QEMU.
final class GuestStreams: SourceStreams {
  let streams: [LaneStream]
  let parent: ChosenParent?
  private let link: GuestLink
  private let ram: GuestRAM?

  /// - Throws: `JobError` if a disk had to be compared with its parent, and could not.
  init(
    _ disks: [GuestDisk], _ plan: BackupPlan, _ link: GuestLink, _ prepared: PreparedGuest,
    _ order: JobOrder
  ) throws(JobError) {
    let increment = prepared.increment
    let pool = order.pool
    var streams = plan.configStreams(pool)
    for disk in disks {
      streams.append(
        LaneStream(
          description: plan.streams[streams.count], size: disk.size, map: disk.map,
          openReader: { () throws(SourceError) in try disk.reader(pool) }))
    }
    ram = prepared.ram
    if let ram { streams.append(ram.stream(plan.streams[streams.count], pool)) }
    let known = disks.filter(\.knowsChanges).map(\.name)
    self.streams = try increment?.captured(streams, knownChanges: known, order) ?? streams
    parent = increment?.chosen
    self.link = link
  }

  func endOfReading() { link.endReading() }

  func stop() -> Double {
    ram?.end()
    return 0
  }

  func requireSound(_ summaries: [StreamSummary]) throws(JobError) { try link.requireSound() }
}

/// One exported disk: how to read it, and where it has data.
struct GuestDisk: Sendable {
  let name: String
  /// Bytes.
  let size: UInt64
  let transport: Transport
  /// A connection to the export, for one reader.
  let connection: HandedDescriptor
  /// Where it has data; what is as in the parent is *unchanged*.
  var map: [Extent]
  /// QEMU's bitmap was asked for that.
  let knowsChanges: Bool

  /// Waits until QEMU serves the connection: its graph must not change before that.
  fileprivate func awaitConnection() throws(JobError) {
    guard transport == .vhostUser, let socket = connection.take() else { return }
    do throws(SourceError) {
      connection.put(try GuestExport.awaitVhostUser(socket: socket))
    } catch {
      throw JobError(error, cannot: "connect to the export of \(name)")
    }
  }

  /// As ``awaitConnection()``, for all; blocks a thread of its own.
  static func awaitConnections(_ disks: [GuestDisk]) async throws(JobError) {
    try await blocking(named: "sluice-settle") { () throws(JobError) in
      for disk in disks { try disk.awaitConnection() }
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
