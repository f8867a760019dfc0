import Glibc
package import WriterKit

/// Grains in, records out, in the same order; in between as many threads as there are processors.
///
/// Bytes stay in the host's memory until they are encoded: the batches keep the leases. When the
/// target fails, everything stops.
package final class GrainLine {
  private let ring: [GrainBatch]
  private let threads: GrainThreads
  private let target: any GrainTarget
  /// Frames that may be kept while waiting for more.
  private let framesMax: UInt64
  /// The batch that is being filled.
  private var current = 0
  /// Batches with the threads, the oldest of which is `current - pending`.
  private var pending = 0
  /// DATA frames so far.
  private var frame: UInt64 = 0

  /// Starts the threads.
  ///
  /// - Parameter framesMax: See ``Host/leasesMax``.
  package init(
    _ shape: GrainShape, framesMax: Int, target: any GrainTarget
  ) throws(PluginError) {
    let count = GrainThreads.count(processors: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let grains = GrainThreads.grainsOfBatch(count)
    ring = (0..<(2 * count + 2)).map { _ in
      GrainBatch(grainsMost: grains, recordBytesMax: shape.recordBytesMax)
    }
    threads = GrainThreads(ring: ring)
    self.framesMax = UInt64(max(1, framesMax))
    self.target = target
    do throws(PluginError) { try threads.start(count, shape) } catch {
      threads.stop()
      throw error
    }
  }

  /// Whether everything that came is written.
  package var isIdle: Bool { pending == 0 && ring[current].grains.isEmpty }

  /// A frame begins, whose grains follow.
  package func beginFrame() { frame += 1 }

  /// Adds a grain of the frame, whose lease will follow.
  ///
  /// - Parameter bytes: 65536.
  package func add(_ bytes: UnsafeRawPointer, number: UInt64) throws(PluginError) {
    let batch = ring[current]
    batch.oldestFrame = batch.oldestFrame ?? frame
    try unsafe addLasting(bytes, number: number)
  }

  /// Adds a grain that stays as it is until ``drain()``.
  package func addLasting(_ bytes: UnsafeRawPointer, number: UInt64) throws(PluginError) {
    let batch = ring[current]
    unsafe batch.add(bytes, number: number)
    if batch.isFull { try submit() }
  }

  /// Keeps the bytes of the frame, after its last grain.
  package func keep(_ lease: consuming Lease) {
    // The batch with that grain may be under way.
    let isOpen = !ring[current].grains.isEmpty
    ring[isOpen ? current : (current + ring.count - 1) % ring.count].shelf.keep(lease)
  }

  /// The frame ends: what must not be kept any longer is written.
  package func finishFrame() throws(PluginError) {
    while isDue {
      if pending == 0 { try submit() }
      try collect()
    }
  }

  /// Writes everything that came; no lease is left.
  package func drain() throws(PluginError) {
    if !ring[current].grains.isEmpty { try submit() }
    while pending > 0 { try collect() }
  }

  /// Ends the threads; what came and is not written is lost.
  package func stop() {
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
    do throws(PluginError) { try target.write(batch) } catch {
      // Here, and not where it is caught: a frame that is being added may be gone by then, and the
      // threads look at its bytes.
      stop()
      throw error
    }
    batch.clear()
  }
}
