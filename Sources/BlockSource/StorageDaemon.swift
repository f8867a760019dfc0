internal import Glibc
package import Sandbox
package import SharedPool
internal import System

/// One `qemu-storage-daemon` that serves every image of a job, read-only.
///
/// It inherits listening sockets that nobody else can reach: one NBD server for all images
/// (allocation, and data if wanted), and per image a vhost-user-blk export for data.
/// Owned by the job; it ends with `stop()` or with its owner.
package final class StorageDaemon {
  /// Time for each handshake: QEMU is ready in 20 ms, a loaded machine may need much longer.
  static let handshakeSeconds = 10

  private let images: [InspectedImage]
  private let transport: Transport
  private let process: HelperProcess
  private let life: DaemonLife
  private let nbd: PrivateSocket
  private let vhost: [PrivateSocket]

  private init(
    images: [InspectedImage], transport: Transport, process: HelperProcess, life: DaemonLife,
    nbd: PrivateSocket, vhost: [PrivateSocket]
  ) {
    self.images = images
    self.transport = transport
    self.process = process
    self.life = life
    self.nbd = nbd
    self.vhost = vhost
  }

  /// Starts the daemon; the images are open when the first reader or map has been made.
  ///
  /// - Parameters:
  ///   - images: 1…1024; `reader(image:pool:)` names them by their place here.
  ///   - launcher: Path of `sluice-launcher`.
  /// - Throws: `.toolMissing`, `.sandbox`, `.system`; nothing is left running.
  package static func start(
    images: [InspectedImage], transport: Transport, launcher: String, mode: SandboxMode
  ) throws(SourceError) -> StorageDaemon {
    let nbd = try lifted(PrivateSocket.init)
    var vhost: [PrivateSocket] = []
    if transport == .vhostUser {
      for _ in images { vhost.append(try lifted(PrivateSocket.init)) }
    }
    let words = try lifted { () throws(SystemCallError) in
      try CapturedWords(limit: 64 << 10, name: "words of qemu-storage-daemon")
    }
    let null = try lifted { () throws(SystemCallError) in try openFile("/dev/null", flags: O_RDWR) }
    let plan = DaemonPlan(images: images, vhostExports: vhost.count)
    let process = try HelperProcess(
      program: "/usr/bin/qemu-storage-daemon", arguments: plan.arguments,
      descriptors: [(null.raw, 0), (null.raw, 1), (words.descriptor, 2)]
        + DaemonPlan.descriptors([nbd] + vhost))
    for socket in [nbd] + vhost { socket.dropListener() }
    return StorageDaemon(
      images: images, transport: transport, process: process, life: DaemonLife(words: words),
      nbd: nbd, vhost: vhost)
  }

  /// A reader of one image, checked by a first read. One at a time per image.
  ///
  /// - Throws: `.daemonGone` with what QEMU said if the image could not be opened,
  ///   `.notInTime`, `.protocolBroken`, `.system`.
  package func reader(image: Int, pool: SharedPool) throws(SourceError) -> any DiskReader {
    do {
      switch transport {
      case .vhostUser:
        let socket = try lifted(vhost[image].connect)
        return try VhostUserReader(
          socket: socket, pool: pool, size: images[image].size, life: life)
      case .nbd:
        return try NBDReader(
          connection: try connectNBD(image), pool: pool, size: images[image].size)
      }
    } catch { throw explained(error) }
  }

  /// Where the image holds data: extents that cover [0, size) exactly, in order.
  package func allocationMap(image: Int) throws(SourceError) -> [Extent] {
    do {
      return try AllocationMap.read(try connectNBD(image), size: images[image].size)
    } catch { throw explained(error) }
  }

  /// Ends the daemon.
  ///
  /// - Returns: What it has cost, or `nil` if it had ended before.
  package func stop() -> (cpuSeconds: Double, peakBytes: Int)? {
    let usage = process.endIfAny() == nil ? process.usage() : nil
    process.stop()
    return usage
  }

  private func connectNBD(_ image: Int) throws(SourceError) -> NBDConnection {
    try NBDConnection(
      socket: try lifted(nbd.connect), export: DaemonPlan.exportName(image), life: life)
  }

  /// A daemon that could not open an image ends at once: that is the better explanation of
  /// whatever connection broke.
  private func explained(_ error: SourceError) -> SourceError {
    switch error {
    case .system, .protocolBroken, .daemonGone:
      let end = try? process.waitForEnd(until: Instant.now.advanced(bySeconds: 1))
      return end == nil ? error : .daemonGone(words: life.lastWords())
    default: return error
    }
  }
}

/// What readers may know of the daemon: its last words.
final class DaemonLife: Sendable {
  private let words: CapturedWords
  init(words: CapturedWords) { self.words = words }
  func lastWords() -> String { words.lastWords() }
}

