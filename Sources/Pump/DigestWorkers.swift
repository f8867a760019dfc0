internal import CLinux
internal import Glibc
internal import Hashing
internal import LeafHashing
internal import SharedPool
internal import System

/// A few threads that hash the leaves of slots while the lane continues.
///
/// A slot's number goes to the workers through one pipe and comes back through another: a pipe
/// gives order, sleep and wake-up in 5 µs, which is nothing beside the hashing of 1 MiB. What
/// is hashed of a slot, and the digests of its leaves, lie in tables indexed by slot; between
/// `start` and `collect` they belong to the worker.
@safe final class DigestWorkers: @unchecked Sendable {
  // Unchecked because the tables are handed over slot by slot through the pipes.

  /// No slot: ends a worker.
  private static let end = UInt32.max

  /// What is hashed of a slot.
  @safe private struct Work {
    var length = 0
    /// Bytes elsewhere that are hashed in place of the slot's.
    var bytes: UnsafeRawPointer?
    var omitted = ClusterSet()
  }

  private let pool: SharedPool
  private let jobs: Pipe
  private let done: Pipe
  private let works: UnsafeMutableBufferPointer<Work>
  private let digests: UnsafeMutableRawBufferPointer
  private var threads: [WorkerThread] = []

  /// - Parameter threadCount: 0…8; with none nothing may be started.
  init(pool: SharedPool, threadCount: Int) throws(SystemCallError) {
    self.pool = pool
    jobs = try Pipe()
    done = try Pipe()
    try check(clinux_set_nonblocking(done.readRaw, 1), .setFlags, "a pipe")
    unsafe works = .allocate(capacity: pool.shape.slotCount)
    unsafe works.initialize(repeating: Work())
    unsafe digests = .allocate(
      byteCount: pool.shape.slotCount * Self.digestBytesMax, alignment: 64)
    do throws(SystemCallError) {
      for _ in 0..<threadCount {
        threads.append(try WorkerThread(name: "sluice-digest") { [unowned self] in run() })
      }
    } catch {
      // Those that were started still use what goes with this.
      stop()
      throw error
    }
  }

  deinit {
    unsafe works.deallocate()
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

  /// Hashes the leaves of a slot, which is read until it is collected.
  ///
  /// - Parameters:
  ///   - length: 1 byte to 1 MiB, from the slot's start, which begins a leaf.
  ///   - omitted: Clusters whose leaves nobody will ask for.
  func start(slot: Int, length: Int, omitting omitted: ClusterSet = ClusterSet()) {
    unsafe works[slot] = Work(length: length, omitted: omitted)
    send(UInt32(slot), to: jobs.writeRaw)
  }

  /// Hashes the leaves of bytes elsewhere; their digests become those of a slot.
  func start(slot: Int, length: Int, of bytes: UnsafeRawPointer) {
    unsafe works[slot] = Work(length: length, bytes: bytes)
    send(UInt32(slot), to: jobs.writeRaw)
  }

  /// Tells of each slot whose digests are ready; never blocks.
  func collect(_ body: (Int) -> Void) {
    while let slot = receive(from: done.readRaw) { body(Int(slot)) }
  }

  /// Sleeps until digests are ready, for callers that have nothing else to do.
  func waitForAny() throws(LaneFailure) {
    var poller = Poller()
    poller.add(descriptor, .readable)
    do throws(SystemCallError) { _ = try poller.wait(seconds: nil) } catch {
      throw .system("\(error)")
    }
  }

  /// The digests of a collected slot's leaves.
  ///
  /// - Parameter leaves: Which of them.
  func digests(slot: Int, _ leaves: Range<Int>) -> UnsafeRawBufferPointer {
    let start = slot * Self.digestBytesMax
    let (from, to) = (leaves.lowerBound * SHA256.byteCount, leaves.upperBound * SHA256.byteCount)
    return unsafe UnsafeRawBufferPointer(rebasing: digests[(start + from)..<(start + to)])
  }

  /// Bytes of a slot's digests: of the leaves of 1 MiB.
  private static let digestBytesMax =
    Int(TreeDigest.chunkBytes) / TreeDigest.leafBytes * SHA256.byteCount

  private func run() {
    var hasher = LeafHasher()
    while let number = receive(from: jobs.readRaw), number != Self.end {
      hash(slot: Int(number), with: &hasher)
      send(number, to: done.writeRaw)
    }
  }

  private func hash(slot: Int, with hasher: inout LeafHasher) {
    let work = unsafe works[slot]
    let bytes = unsafe UnsafeRawBufferPointer(
      start: work.bytes ?? UnsafeRawPointer(pool.unsafeBytes(slot: slot).baseAddress!),
      count: work.length)
    for run in work.omitted.runs(byteCount: work.length) where !run.isInside {
      let leaf = TreeDigest.leaves(of: run.bytes).lowerBound
      unsafe hasher.hash(
        UnsafeRawBufferPointer(rebasing: bytes[run.bytes]),
        leafBytes: TreeDigest.leafBytes,
        into: digests.baseAddress! + slot * Self.digestBytesMax + leaf * SHA256.byteCount)
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
