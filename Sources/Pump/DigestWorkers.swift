internal import CLinux
internal import Glibc
internal import Hashing
internal import SharedPool
internal import System

/// A few threads that hash slots while the lane goes on.
///
/// A slot's number goes to the workers through one pipe and comes back through another: a pipe
/// gives order, sleep and wake-up in 5 µs, which is nothing beside the hashing of 1 MiB. The job
/// and the leaf of a slot lie in tables indexed by slot; between `start` and `collect` they belong
/// to the worker.
@safe final class DigestWorkers: @unchecked Sendable {
  // Unchecked because the tables are handed over slot by slot through the pipes.

  /// What is hashed: zeros, bytes of the slot, zeros.
  private struct Work {
    var zerosBefore = 0
    var length = 0
    var zerosAfter = 0
  }

  private let pool: SharedPool
  private let jobs: Pipe
  private let done: Pipe
  private let work: UnsafeMutableBufferPointer<Work>
  private let leaves: UnsafeMutableRawBufferPointer
  private var threads: [WorkerThread] = []

  /// - Parameter threadCount: 1…8.
  init(pool: SharedPool, threadCount: Int) throws(SystemCallError) {
    self.pool = pool
    jobs = try Pipe()
    done = try Pipe()
    try check(clinux_set_nonblocking(done.readRaw, 1), .setFlags, "a pipe")
    unsafe work = .allocate(capacity: pool.shape.slotCount)
    unsafe work.initialize(repeating: Work())
    unsafe leaves = .allocate(
      byteCount: pool.shape.slotCount * SHA256.byteCount, alignment: 8)
    for _ in 0..<threadCount {
      threads.append(try WorkerThread(name: "sluice-digest") { [unowned self] in run() })
    }
  }

  deinit {
    unsafe work.deallocate()
    unsafe leaves.deallocate()
  }

  /// Ends the threads; none is left when this returns.
  func stop() {
    for _ in threads { send(.max, to: jobs.writeRaw) }
    for thread in threads { thread.join() }
    threads.removeAll()
  }

  /// Readable when a leaf is ready.
  var descriptor: Int32 { done.readRaw }

  /// Hashes a slot's first `length` bytes between zeros; the slot is read until it is collected.
  func start(slot: Int, zerosBefore: Int, length: Int, zerosAfter: Int) {
    unsafe work[slot] = Work(zerosBefore: zerosBefore, length: length, zerosAfter: zerosAfter)
    send(UInt32(slot), to: jobs.writeRaw)
  }

  /// Tells of each slot whose leaf is ready; never blocks.
  func collect(_ body: (Int) -> Void) {
    var slot: UInt32 = 0
    while unsafe clinux_read(done.readRaw, &slot, 4) == 4 { body(Int(slot)) }
  }

  /// Sleeps until a leaf is ready, for callers that have nothing else to do.
  func waitForAny() throws(LaneFailure) {
    var poller = Poller()
    poller.add(descriptor, .readable)
    do throws(SystemCallError) { _ = try poller.wait(seconds: nil) } catch {
      throw .system("\(error)")
    }
  }

  /// The leaf of a collected slot.
  func leaf(slot: Int) -> UnsafeRawBufferPointer {
    let start = slot * SHA256.byteCount
    return unsafe UnsafeRawBufferPointer(
      rebasing: leaves[start..<(start + SHA256.byteCount)])
  }

  private func run() {
    var context = SHA256()
    var number: UInt32 = 0
    while unsafe clinux_read(jobs.readRaw, &number, 4) == 4, number != .max {
      let slot = Int(number)
      let work = unsafe self.work[slot]
      context.updateZeros(UInt64(work.zerosBefore))
      unsafe context.update(
        UnsafeRawBufferPointer(rebasing: pool.unsafeBytes(slot: slot)[0..<work.length]))
      context.updateZeros(UInt64(work.zerosAfter))
      unsafe context.finish(unsafeInto: leaves.baseAddress! + slot * SHA256.byteCount)
      send(number, to: done.writeRaw)
    }
  }

  private func send(_ number: UInt32, to descriptor: Int32) {
    // Four bytes into a pipe that holds 16 Ki of them: never more than the slots are on the way.
    var number = number
    unsafe _ = clinux_write(descriptor, &number, 4)
  }
}
