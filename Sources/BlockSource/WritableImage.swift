internal import Glibc
package import Sandbox
package import SharedPool
package import System

/// A qcow2 image that one `qemu-storage-daemon` of its own writes, from memory that it has mapped.
///
/// The daemon runs in the sandbox of those that read, with this one file to write. Used by one
/// thread; it ends with `stop()` or with its owner.
package final class WritableImage {
  /// Runs of a chunk that may be written at once: every other cluster of 1 MiB.
  private static let requestsMax = 8
  /// For the pieces of one chunk, or a flush: as long as a plugin may stand still.
  private static let answerSeconds = 600

  private let process: HelperProcess
  private let device: VhostUserDevice
  private let memory: SharedPool
  private let path: String
  private let words: CapturedWords

  /// Starts the daemon.
  ///
  /// - Parameters:
  ///   - file: A qcow2 image without backing file that nobody else has open; it is this file that
  ///     is written, whatever its name leads to.
  ///   - path: Its absolute path.
  ///   - size: Bytes of the disk, a multiple of 512.
  ///   - memory: Slots of 1 MiB that ``write(slot:_:at:)`` takes bytes from.
  ///   - launcher: Path of `sluice-launcher`.
  package init(
    _ file: borrowing OwnedDescriptor, path: String, size: UInt64, memory: SharedPool,
    launcher: String, mode: SandboxMode
  ) throws(SourceError) {
    let socket = try lifted { () throws(SystemCallError) in try PrivateSocket() }
    words = try lifted { () throws(SystemCallError) in
      try CapturedWords(limit: 64 << 10, name: "words of qemu-storage-daemon")
    }
    let null = try lifted { () throws(SystemCallError) in try openFile("/dev/null", flags: O_RDWR) }
    process = try HelperProcess(
      name: "qemu-storage-daemon", arguments: Self.arguments(path),
      descriptors: [(null.raw, 0), (null.raw, 1), (words.descriptor, 2)]
        + DaemonPlan.descriptors([socket]),
      policy: .storageDaemon(writing: file.raw, named: path), launcher: launcher, mode: mode)
    socket.dropListener()
    self.memory = memory
    self.path = path
    let server = ServingProcess.storageDaemon(words)
    do throws(SourceError) {
      device = try VhostUserDevice(
        socket: try lifted(socket.connect), memory: memory, requestCount: Self.requestsMax,
        features: VhostUserFeature.flush, server: server)
      guard device.capacity == size else {
        throw .protocolBroken(what: "disk size \(device.capacity) instead of \(size) bytes")
      }
      try device.readFirstSector(request: 0)
    } catch { throw process.explained(error, lastWords: words.lastWords) }
  }

  private static func arguments(_ path: String) -> [String] {
    let file = #"{"driver":"file","node-name":"file","filename":"# + BlockGraph.quoted(path) + "}"
    let image = #"{"driver":"qcow2","node-name":"disk","file":"file","backing":null}"#
    return [
      "--blockdev", file, "--blockdev", image,
      "--export",
      "type=vhost-user-blk,id=disk,node-name=disk,writable=on,num-queues=1,"
        + DaemonPlan.firstAddress,
    ]
  }

  /// Writes pieces of one slot, and waits until all of them are written.
  ///
  /// - Parameters:
  ///   - slot: Of the memory; holds the bytes of 1 MiB of the disk from `offset` on.
  ///   - pieces: At most 8, in the slot; bounds are multiples of 512.
  ///   - offset: Bytes from the start of the disk, a multiple of 1 MiB.
  /// - Throws: `.refused` if QEMU could not write; the image is good for nothing then.
  package func write(
    slot: Int, _ pieces: [Range<Int>], at offset: UInt64
  ) throws(SourceError) {
    precondition(pieces.count <= Self.requestsMax, "a chunk has no more pieces")
    let start = VhostUserSetup.poolAddress + UInt64(slot * memory.shape.slotBytes)
    do throws(SourceError) {
      for (request, piece) in pieces.enumerated() {
        try device.submit(
          .write, request: request, offset: offset + UInt64(piece.lowerBound),
          target: start + UInt64(piece.lowerBound), length: UInt32(piece.count))
      }
      try finish(pieces.count, doing: "writing \(path)")
    } catch { throw process.explained(error, lastWords: words.lastWords) }
  }

  /// Brings everything to stable storage, QEMU's tables too.
  package func flush() throws(SourceError) {
    do throws(SourceError) {
      // A chain has a piece of data in any case: QEMU does not look at it.
      try device.submit(
        .flush, request: 0, offset: 0, target: VirtQueue.scratch, length: 512)
      try finish(1, doing: "syncing \(path)")
    } catch { throw process.explained(error, lastWords: words.lastWords) }
  }

  private func finish(_ count: Int, doing: String) throws(SourceError) {
    var failed = false
    let deadline = MonotonicTime.now.advanced(bySeconds: Double(Self.answerSeconds))
    try device.wait(for: count, until: deadline, Self.answerSeconds, doing: doing) { _, code in
      if code != 0 { failed = true }
    }
    // The device has one word for all that can happen.
    if failed { throw .refused(doing: doing, words: "I/O error (EIO); is the target full?") }
  }

  /// Ends the daemon; what was flushed stays.
  ///
  /// - Returns: CPU seconds it took.
  @discardableResult
  package func stop() -> Double {
    device.close()
    process.stop()
    return process.usage?.cpuSeconds ?? 0
  }
}
