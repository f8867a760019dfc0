import ArchiveFiles
import Glibc
import WriterKit

/// Grains in, records out, in the same order; in between as many threads as there are processors.
///
/// Bytes stay in the host's memory until they are encoded: the batches keep the leases.
final class GrainLine {
  private let ring: [GrainBatch]
  private let threads: GrainThreads
  private let output: MemberOutput
  /// Frames that may be kept while waiting for more.
  private let framesMax: UInt64
  private var book: GrainBook
  /// The batch that is being filled.
  private var current = 0
  /// Batches with the threads, the oldest of which is `current - pending`.
  private var pending = 0
  /// DATA frames so far.
  private var frame: UInt64 = 0

  /// Starts the threads.
  ///
  /// - Parameters:
  ///   - level: Of VMDK's grains; `nil` makes clusters of qcow2.
  ///   - dropsZeros: Grains of zeros are left away.
  init(
    level: Int?, dropsZeros: Bool, framesMax: Int, output: MemberOutput
  ) throws(PluginError) {
    let count = GrainThreads.count(processors: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let grains = GrainThreads.grainsOfBatch(count)
    ring = (0..<(2 * count + 2)).map { _ in GrainBatch(grainsMost: grains) }
    threads = GrainThreads(ring: ring, dropsZeros: dropsZeros)
    book = GrainBook()
    self.framesMax = UInt64(max(1, framesMax))
    self.output = output
    do throws(PluginError) { try threads.start(count, level: level) } catch {
      threads.stop()
      throw error
    }
  }

  /// A disk begins.
  ///
  /// - Parameter book: Where its records are noted.
  func begin(_ book: GrainBook) { self.book = book }

  /// A frame begins, whose grains follow.
  func beginFrame() { frame += 1 }

  /// Adds a grain of the frame, whose lease will follow.
  ///
  /// - Parameter bytes: 65536.
  func add(_ bytes: UnsafeRawPointer, number: UInt64) throws(PluginError) {
    let batch = ring[current]
    batch.oldestFrame = batch.oldestFrame ?? frame
    try unsafe addLasting(bytes, number: number)
  }

  /// Adds a grain that stays as it is until ``drain()``.
  func addLasting(_ bytes: UnsafeRawPointer, number: UInt64) throws(PluginError) {
    let batch = ring[current]
    unsafe batch.add(bytes, number: number)
    if batch.isFull { try submit() }
  }

  /// Keeps the bytes of the frame, after its last grain.
  func keep(_ lease: consuming Lease) {
    // The batch with that grain may be under way.
    let isOpen = !ring[current].grains.isEmpty
    ring[isOpen ? current : (current + ring.count - 1) % ring.count].shelf.keep(lease)
  }

  /// The frame ends: what must not be kept any longer is written.
  func finishFrame() throws(PluginError) {
    while isDue {
      if pending == 0 { try submit() }
      try collect()
    }
  }

  /// Writes everything that came; no lease is left.
  func drain() throws(PluginError) {
    if !ring[current].grains.isEmpty { try submit() }
    while pending > 0 { try collect() }
  }

  /// What the disk ends with, when everything is written.
  func finish() -> [UInt8] { book.finish() }

  /// Ends the threads; what came and is not written is lost.
  func stop() {
    threads.stop()
    for batch in ring { batch.clear() }
    pending = 0
  }

  /// Whether a frame is kept that is not among the most recent ones.
  private var isDue: Bool {
    for age in (0...pending).reversed() {
      guard let oldest = ring[(current + ring.count - age) % ring.count].oldestFrame else {
        continue
      }
      return frame - oldest >= framesMax
    }
    return false
  }

  private func submit() throws(PluginError) {
    ring[current].block.clear()
    threads.submit()
    pending += 1
    current = (current + 1) % ring.count
    if pending == ring.count { try collect() }
  }

  /// Takes the oldest batch back and writes it.
  private func collect() throws(PluginError) {
    let batch = ring[(current + ring.count - pending) % ring.count]
    batch.awaitEncoded()
    pending -= 1
    let bytes = try book.note(batch)
    batch.clear()
    if bytes > 0 { try output.write(batch.block, bytes: bytes) }
  }
}
