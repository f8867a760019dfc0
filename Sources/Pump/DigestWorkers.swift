internal import CLinux
internal import Glibc
internal import Hashing
internal import SharedPool
internal import System

/// A few threads that hash slots while the lane continues.
///
/// A slot's number goes to the workers through one pipe and comes back through another: a pipe
/// gives order, sleep and wake-up in 5 µs, which is nothing beside the hashing of 1 MiB. The shape
/// and the digest of a slot's chunk lie in tables indexed by slot; between `start` and `collect`
/// they belong to the worker.
@safe final class DigestWorkers: @unchecked Sendable {
  // Unchecked because the tables are handed over slot by slot through the pipes.

  /// No slot: ends a worker.
  private static let end = UInt32.max

  private let pool: SharedPool
  private let jobs: Pipe
  private let done: Pipe
  private let shapes: UnsafeMutableBufferPointer<ChunkHasher.Shape>
  private let digests: UnsafeMutableRawBufferPointer
  private var threads: [WorkerThread] = []

  /// - Parameter threadCount: 0…8; with none nothing may be started.
  init(pool: SharedPool, threadCount: Int) throws(SystemCallError) {
    self.pool = pool
    jobs = try Pipe()
    done = try Pipe()
    try check(clinux_set_nonblocking(done.readRaw, 1), .setFlags, "a pipe")
    unsafe shapes = .allocate(capacity: pool.shape.slotCount)
    unsafe shapes.initialize(repeating: ChunkHasher.Shape())
    unsafe digests = .allocate(
      byteCount: pool.shape.slotCount * SHA256.byteCount, alignment: 8)
    for _ in 0..<threadCount {
      threads.append(try WorkerThread(name: "sluice-digest") { [unowned self] in run() })
    }
  }

  deinit {
    unsafe shapes.deallocate()
    unsafe digests.deallocate()
  }

  /// Ends the threads; none is left when this returns.
  func stop() {
    for _ in threads { send(Self.end, to: jobs.writeRaw) }
    for thread in threads { thread.join() }
    threads.removeAll()
  }

  /// Readable when a digest is ready.
  var descriptor: Int32 { done.readRaw }

  /// Hashes the chunk of a slot; the slot is read until it is collected.
  func start(slot: Int, _ shape: ChunkHasher.Shape) {
    unsafe shapes[slot] = shape
    send(UInt32(slot), to: jobs.writeRaw)
  }

  /// Tells of each slot whose digest is ready; never blocks.
  func collect(_ body: (Int) -> Void) {
    while let slot = receive(from: done.readRaw) { body(Int(slot)) }
  }

  /// Sleeps until a digest is ready, for callers that have nothing else to do.
  func waitForAny() throws(LaneFailure) {
    var poller = Poller()
    poller.add(descriptor, .readable)
    do throws(SystemCallError) { _ = try poller.wait(seconds: nil) } catch {
      throw .system("\(error)")
    }
  }

  /// The digest of a collected slot's chunk.
  func digest(slot: Int) -> UnsafeRawBufferPointer {
    let start = slot * SHA256.byteCount
    return unsafe UnsafeRawBufferPointer(
      rebasing: digests[start..<(start + SHA256.byteCount)])
  }

  private func run() {
    var hasher = ChunkHasher()
    while let number = receive(from: jobs.readRaw), number != Self.end {
      let slot = Int(number)
      let shape = unsafe shapes[slot]
      let bytes = unsafe UnsafeRawBufferPointer(
        rebasing: pool.unsafeBytes(slot: slot)[0..<shape.length])
      unsafe hasher.hash(shape, bytes, into: digests.baseAddress! + slot * SHA256.byteCount)
      send(number, to: done.writeRaw)
    }
  }

  // A pipe takes and gives four bytes whole, and holds thousands of them: more than there are
  // slots.

  private func send(_ number: UInt32, to descriptor: Int32) {
    var number = number
    unsafe _ = clinux_write(descriptor, &number, 4)
  }

  private func receive(from descriptor: Int32) -> UInt32? {
    var number = Self.end
    return unsafe clinux_read(descriptor, &number, 4) == 4 ? number : nil
  }
}
