internal import BackupJobs
internal import BackupProtocol
internal import BlockSource
internal import JobSupport
internal import QEMUControl
internal import System

/// Makes QEMU export the disks of a point in time, on private sockets.
struct GuestExports {
  let instant: PointInTime
  let choice: ExportChoice
  let surroundings: Surroundings

  /// Exports all disks and asks where they have data.
  ///
  /// All exports are created before any connection is made: QEMU 10.0 aborts when its
  /// graph changes while a vhost-user-blk connection begins on an I/O thread (assertion in
  /// `vhost_user_server_attach_aio_context`).
  func make() async throws(JobError) -> [GuestDisk] {
    let server = try await startNBD()
    var sockets: [PrivateSocket?] = []
    for number in instant.disks.indices {
      if server != nil {
        try await attempt("export \(instant.disks[number].name)") {
          () async throws(ControlError) in
          try await self.instant.exportNBD(number)
        }
      }
      sockets.append(choice.transport == .vhostUser ? try await exportVhostUser(number) : nil)
    }
    var disks: [GuestDisk] = []
    for number in instant.disks.indices {
      disks.append(try await connect(number, server, sockets[number]))
    }
    return disks
  }

  /// - Returns: The server's socket; `nil` if the server is unavailable and not required.
  private func startNBD() async throws(JobError) -> NBDSocket? {
    guard choice.usesNBD else { return nil }
    let socket = try attempt("create a socket") { () throws(SystemCallError) in
      try PrivateSocket()
    }
    do throws(ControlError) {
      try await instant.startNBD(listener: socket.listeningDescriptor)
    } catch {
      guard case .nbdServerInUse = error, choice.transport != .nbd else {
        throw JobError(error, cannot: "start QEMU's NBD server")
      }
      surroundings.events(.warning("\(error); no allocation maps, so holes are read too"))
      return nil
    }
    socket.dropListener()
    return NBDSocket(socket)
  }

  private func connect(
    _ number: Int, _ server: NBDSocket?, _ socket: PrivateSocket?
  ) async throws(JobError) -> GuestDisk {
    let disk = instant.disks[number]
    let size = UInt64(max(0, disk.size))
    var map = size == 0 ? [] : [Extent(offset: 0, length: size, kind: .data)]
    if let server { map = try await self.map(number, size, try server.connect()) }
    let exporting = "export \(disk.name)"
    let connection: HandedDescriptor
    if let socket {
      connection = try NBDSocket.connect(socket, exporting)
    } else if let server {
      connection = try server.connect()
    } else {
      throw JobError(.unavailable, cannot: exporting, "no NBD server")
    }
    return GuestDisk(
      name: disk.name, size: size, transport: choice.transport, connection: connection, map: map,
      knowsChanges: server != nil && instant.changeRecord(number) != nil)
  }

  private func exportVhostUser(_ number: Int) async throws(JobError) -> PrivateSocket {
    let exporting = "export \(instant.disks[number].name)"
    let socket = try attempt(exporting) { () throws(SystemCallError) in
      try PrivateSocket()
    }
    let listener = socket.listeningDescriptor
    try await attempt(exporting) { () async throws(ControlError) in
      try await self.instant.exportVhostUser(number, listener: listener)
    }
    socket.dropListener()
    return socket
  }

  /// Where a disk has data, and what has changed; blocks a thread of its own, since libnbd waits.
  private func map(
    _ number: Int, _ size: UInt64, _ connection: HandedDescriptor
  ) async throws(JobError) -> [Extent] {
    let (name, changes) = (instant.disks[number].name, instant.changeRecord(number))
    return try await blocking(named: "sluice-map") { () throws(JobError) -> [Extent] in
      do throws(SourceError) {
        guard let socket = connection.take() else { throw .exportGone }
        return try GuestExport.allocationMap(
          socket: socket, export: name, size: size, changes: changes)
      } catch {
        throw JobError(error, cannot: "read the allocation map of \(name)")
      }
    }
  }
}

/// The socket of the NBD server, connected to once for each disk and purpose.
struct NBDSocket {
  private let socket: PrivateSocket

  init(_ socket: PrivateSocket) { self.socket = socket }

  func connect() throws(JobError) -> HandedDescriptor {
    try Self.connect(socket, "connect to QEMU's NBD server")
  }

  static func connect(
    _ socket: PrivateSocket, _ what: String
  ) throws(JobError) -> HandedDescriptor {
    HandedDescriptor(try attempt(what) { () throws(SystemCallError) in try socket.connect() })
  }
}
