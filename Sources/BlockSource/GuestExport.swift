package import BackupProtocol
package import SharedPool
package import System

/// Reads a disk that the QEMU of a running machine exports on a socket we gave it.
///
/// Errors are those of the readers; an export that goes away is `.exportGone`.
package enum GuestExport {
  /// A reader by vhost-user-blk, checked by a first read.
  ///
  /// - Parameters:
  ///   - socket: Connected, non-blocking; the export serves one client at a time.
  ///   - size: Bytes of the stream, at most those of the export.
  package static func vhostUserReader(
    socket: consuming OwnedDescriptor, size: UInt64, pool: SharedPool
  ) throws(SourceError) -> any DiskReader {
    try VhostUserReader(socket: socket, pool: pool, size: size, server: .machine)
  }

  /// Waits until the export has begun to serve a connection.
  ///
  /// - Returns: The same socket.
  package static func awaitVhostUser(
    socket: consuming OwnedDescriptor
  ) throws(SourceError) -> OwnedDescriptor {
    let deadline = MonotonicTime.now.advanced(bySeconds: Double(ServingProcess.handshakeSeconds))
    var channel = VhostUserChannel(socket: socket, deadline: deadline, server: .machine)
    _ = try channel.askNumber(.getFeatures)
    return channel.release()
  }

  /// A reader by NBD.
  ///
  /// - Parameters:
  ///   - socket: Connected, non-blocking.
  ///   - export: The export's name on the server.
  package static func nbdReader(
    socket: consuming OwnedDescriptor, export: String, size: UInt64, pool: SharedPool
  ) throws(SourceError) -> any DiskReader {
    try NBDReader(
      connection: try NBDConnection(socket: socket, export: export, for: .data, server: .machine),
      pool: pool, size: size)
  }

  /// Where the disk holds data, asked by NBD: extents that cover [0, size) exactly, in order.
  ///
  /// - Parameter changes: A bitmap that the export shows; what it calls clean is *unchanged*.
  package static func allocationMap(
    socket: consuming OwnedDescriptor, export: String, size: UInt64, changes: ChangeRecord? = nil
  ) throws(SourceError) -> [Extent] {
    let connection = try NBDConnection(
      socket: socket, export: export, for: .allocation(bitmap: changes?.bitmap), server: .machine)
    return try AllocationMap.read(connection, size: size, changes: changes)
  }
}
