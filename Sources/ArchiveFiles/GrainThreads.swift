import Synchronization
import System
import WriterKit

/// The threads that encode batches: each takes the next one of the ring.
///
/// `@unchecked Sendable` because: the ring never changes, its batches say themselves whose they
/// are, and the rest is atomic, or the writer's thread's alone.
final class GrainThreads: @unchecked Sendable {
  /// As many as processors, but for machines that have very many: one thread writes, and perhaps
  /// one hashes, what all of them make. With those two they are at most those of the manifest.
  private static let threadsMax = 16

  private let ring: [GrainBatch]
  private let isSubmitted = Gate()
  private let taken = Atomic<Int>(0)
  private let isStopping = Atomic<Bool>(false)
  private var threads: [WorkerThread] = []

  /// How many there will be.
  static func count(processors: Int) -> Int { max(1, min(threadsMax, processors)) }

  /// Grains of a batch. The host lends half of its slots, 128 grains as a rule: many threads have
  /// to do with small batches, so that there is one for each.
  static func grainsOfBatch(_ threads: Int) -> Int { threads > 4 ? 8 : 16 }

  init(ring: [GrainBatch]) { self.ring = ring }

  func start(_ count: Int, _ shape: GrainShape) throws(PluginError) {
    for number in 0..<count {
      guard let encoder = shape.makeEncoder() else {
        throw PluginError(.internal, "the compressing library has no memory")
      }
      let own = Owned(encoder)
      do {
        threads.append(
          try WorkerThread(name: "grains-\(number)") { [self] in run(with: own.encoder) })
      } catch { throw PluginError("starting to compress", error) }
    }
  }

  /// The next batch of the ring is filled.
  func submit() { isSubmitted.open() }

  /// Ends the threads; those batches that no thread has begun stay as they are.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    for _ in threads { isSubmitted.open() }
    for thread in threads { thread.join() }
    threads = []
  }

  private func run(with encoder: any GrainEncoder) {
    while true {
      isSubmitted.pass()
      if isStopping.load(ordering: .acquiring) { return }
      let turn = taken.wrappingAdd(1, ordering: .relaxed).oldValue
      ring[turn % ring.count].encode(with: encoder)
    }
  }
}

/// An encoder on its way to its thread.
///
/// `@unchecked Sendable` because: it is handed to one thread, and never touched by another.
private final class Owned: @unchecked Sendable {
  let encoder: any GrainEncoder
  init(_ encoder: any GrainEncoder) { self.encoder = encoder }
}
