package import BackupProtocol
internal import Glibc
internal import Requests
package import Sandbox
package import SharedPool
internal import System

/// One `qemu-storage-daemon` that serves every image of a job, read-only.
///
/// It inherits listening sockets that nobody else can reach: one NBD server for all images
/// (allocation, and data if wanted), and per image a vhost-user-blk export for data.
/// Owned by the job; it ends with `stop()` or with its owner.
package final class StorageDaemon {
  private let images: [InspectedImage]
  /// Of each image, if it is a spool with a dirty bitmap.
  private let changes: [ChangeRecord?]
  private let process: HelperProcess
  private let server: ServingProcess
  private let nbd: PrivateSocket
  private let vhost: [PrivateSocket]

  /// - Parameter sockets: The NBD server's, then those of the vhost-user-blk exports.
  private init(
    images: [InspectedImage], changes: [ChangeRecord?], process: HelperProcess,
    server: ServingProcess, sockets: [PrivateSocket]
  ) {
    self.images = images
    self.changes = changes
    self.process = process
    self.server = server
    nbd = sockets[0]
    vhost = Array(sockets.dropFirst())
  }

  /// Starts the daemon; the images are open when the first reader or map has been made.
  ///
  /// - Parameters:
  ///   - images: At least one; `reader(image:pool:)` names them by their place here.
  ///   - launcher: Path of `sluice-launcher`.
  /// - Throws: `.toolMissing`, `.sandbox`, `.system`; nothing is left running.
  package static func start(
    images: [InspectedImage], transport: Transport, launcher: String, mode: SandboxMode
  ) throws(SourceError) -> StorageDaemon {
    let vhostCount = transport == .vhostUser ? min(images.count, DaemonPlan.vhostExportsMax) : 0
    return try start(
      images, changes: images.map { _ in nil }, vhostExports: vhostCount, files: [],
      policy: .storageDaemon(files: try images.grants(), imageCount: images.count), launcher, mode)
  }

  /// Starts a daemon that serves spools, of which at most ``spoolsMax`` fit into one.
  ///
  /// QEMU's parser reads them in the same sandbox: a QEMU that its guest has taken over may have
  /// written anything there. A name in them leads nowhere: there is no file but they.
  package static func start(
    spools: [Spool], launcher: String, mode: SandboxMode
  ) throws(SourceError) -> StorageDaemon {
    let numbers = spools.indices.map { DaemonPlan.spoolDescriptor($0, of: spools.count) }
    var images: [InspectedImage] = []
    for (spool, number) in zip(spools, numbers) {
      let file = try ImageFile(
        duplicating: spool.descriptor, path: "/proc/self/fd/\(number)")
      images.append(
        InspectedImage(
          name: spool.name, format: .qcow2, size: spool.size,
          chain: [ChainLink(file: file, format: .qcow2, dataFile: nil, extents: [])]))
    }
    return try start(
      images, changes: spools.map(\.changes), vhostExports: spools.count,
      files: zip(spools, numbers).map { ($0.descriptor, $1) },
      policy: .storageDaemon(spools: numbers), launcher, mode)
  }

  /// Of one daemon.
  package static var spoolsMax: Int { DaemonPlan.spoolsMax }

  /// - Parameter files: Descriptors of ours that it gets beside its sockets.
  private static func start(
    _ images: [InspectedImage], changes: [ChangeRecord?], vhostExports vhostCount: Int,
    files: [(source: Int32, target: Int32)], policy: SandboxPolicy, _ launcher: String,
    _ mode: SandboxMode
  ) throws(SourceError) -> StorageDaemon {
    var sockets: [PrivateSocket] = []
    for _ in 0...vhostCount {
      sockets.append(try lifted { () throws(SystemCallError) in try PrivateSocket() })
    }
    let words = try lifted { () throws(SystemCallError) in
      try CapturedWords(limit: 64 << 10, name: "words of qemu-storage-daemon")
    }
    let null = try lifted { () throws(SystemCallError) in try openFile("/dev/null", flags: O_RDWR) }
    let process = try HelperProcess(
      name: "qemu-storage-daemon",
      arguments: DaemonPlan(
        images: images, bitmaps: changes.map { $0?.bitmap }, vhostExports: vhostCount
      ).arguments,
      descriptors: [(null.raw, 0), (null.raw, 1), (words.descriptor, 2)]
        + DaemonPlan.descriptors(sockets) + files,
      policy: policy, launcher: launcher, mode: mode)
    for socket in sockets { socket.dropListener() }
    return StorageDaemon(
      images: images, changes: changes, process: process, server: .storageDaemon(words),
      sockets: sockets)
  }

  /// A reader of one image, checked by a first read. One at a time per image.
  ///
  /// - Throws: `.daemonGone` with what QEMU said if the image could not be opened,
  ///   `.notInTime`, `.protocolBroken`, `.system`.
  package func reader(image: Int, pool: SharedPool) throws(SourceError) -> any DiskReader {
    do {
      let size = images[image].size
      guard image < vhost.count else {
        let connection = try connectNBD(image, for: .data)
        return try NBDReader(connection: connection, pool: pool, size: size)
      }
      let socket = try lifted(vhost[image].connect)
      return try VhostUserReader(socket: socket, pool: pool, size: size, server: server)
    } catch { throw explained(error) }
  }

  /// Where the image holds data: extents that cover [0, size) exactly, in order. Of a spool with a
  /// dirty bitmap, what that calls clean is *unchanged*.
  package func allocationMap(image: Int) throws(SourceError) -> [Extent] {
    do {
      let record = changes[image]
      return try AllocationMap.read(
        try connectNBD(image, for: .allocation(bitmap: record?.bitmap)), size: images[image].size,
        changes: record)
    } catch { throw explained(error) }
  }

  /// Ends the daemon.
  ///
  /// - Returns: What it has cost, or `nil` if nobody saw its end.
  package func stop() -> (cpuSeconds: Double, peakBytes: Int)? {
    process.stop()
    return process.usage
  }

  /// A better explanation of an error that a reader threw on its own thread: a daemon that could
  /// not open an image, or was stopped by its sandbox, takes every connection along.
  package func explained(_ error: SourceError) -> SourceError {
    process.explained(error, lastWords: server.lastWords)
  }

  private func connectNBD(
    _ image: Int, for purpose: NBDConnection.Purpose
  ) throws(SourceError) -> NBDConnection {
    try NBDConnection(
      socket: try lifted(nbd.connect), export: DaemonPlan.exportName(image), for: purpose,
      server: server)
  }
}
