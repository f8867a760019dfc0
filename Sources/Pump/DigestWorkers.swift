internal import CLinux
internal import Glibc
internal import Hashing
internal import SharedPool
internal import System

/// A few threads that hash slots while the lane goes on.
///
/// Slots go to the workers two by two where they can be hashed together (``SHA256Pair``): the first
/// of two is held back until the second comes or ``flush()`` says that none will.
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
  /// The first of a pair, not yet with the workers. Touched by the owner's thread alone.
  private var held: UInt32?

  /// - Parameter threadCount: 0…8; with none nothing may be started.
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
    for _ in threads { send(Order(first: Order.end), to: jobs.writeRaw) }
    for thread in threads { thread.join() }
    threads.removeAll()
  }

  /// Readable when a leaf is ready.
  var descriptor: Int32 { done.readRaw }

  /// Hashes a slot's first `length` bytes between zeros; the slot is read until it is collected.
  func start(slot: Int, zerosBefore: Int, length: Int, zerosAfter: Int) {
    unsafe work[slot] = Work(zerosBefore: zerosBefore, length: length, zerosAfter: zerosAfter)
    if let first = held.take() {
      send(Order(first: first, second: UInt32(slot)), to: jobs.writeRaw)
    } else {
      held = UInt32(slot)
    }
  }

  /// Gives the workers a slot that has waited for a second one.
  func flush() {
    if let first = held.take() { send(Order(first: first), to: jobs.writeRaw) }
  }

  /// Tells of each slot whose leaf is ready; never blocks.
  func collect(_ body: (Int) -> Void) {
    while let order = receive(from: done.readRaw), order.first != Order.end {
      body(Int(order.first))
      if order.second != Order.none { body(Int(order.second)) }
    }
  }

  /// Sleeps until a leaf is ready, for callers that have nothing else to do.
  func waitForAny() throws(LaneFailure) {
    flush()
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
    var hash = SHA256()
    while let order = receive(from: jobs.readRaw), order.first != Order.end {
      let first = Int(order.first)
      let second = Int(order.second)
      if order.second == Order.none {
        hashOne(first, with: &hash)
      } else if isWhole(first) && isWhole(second) {
        unsafe SHA256Pair.hash(
          bytes(first), bytes(second), into: leafPlace(first), leafPlace(second))
      } else {
        hashOne(first, with: &hash)
        hashOne(second, with: &hash)
      }
      send(order, to: done.writeRaw)
    }
  }

  /// Whether a slot's bytes are a whole chunk, as nearly all are.
  private func isWhole(_ slot: Int) -> Bool {
    unsafe work[slot].length == Int(TreeDigest.chunkBytes)
  }

  private func hashOne(_ slot: Int, with hash: inout SHA256) {
    let work = unsafe self.work[slot]
    hash.updateZeros(UInt64(work.zerosBefore))
    unsafe hash.update(bytes(slot))
    hash.updateZeros(UInt64(work.zerosAfter))
    unsafe hash.finish(unsafeInto: leafPlace(slot))
  }

  private func bytes(_ slot: Int) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(
      rebasing: pool.unsafeBytes(slot: slot)[0..<work[slot].length])
  }

  private func leafPlace(_ slot: Int) -> UnsafeMutableRawPointer {
    unsafe leaves.baseAddress! + slot * SHA256.byteCount
  }

  // A pipe takes and gives eight bytes whole, and holds thousands of them: more than there are
  // slots.

  private func send(_ order: Order, to descriptor: Int32) {
    var order = order
    unsafe _ = clinux_write(descriptor, &order, 8)
  }

  private func receive(from descriptor: Int32) -> Order? {
    var order = Order(first: Order.end)
    return unsafe clinux_read(descriptor, &order, 8) == 8 ? order : nil
  }
}

/// One or two slots on their way to a worker, or back.
private struct Order: BitwiseCopyable {
  /// No slot: ends a worker.
  static let end = UInt32.max
  /// No second slot.
  static let none = UInt32.max - 1

  var first: UInt32
  var second = Order.none
}
