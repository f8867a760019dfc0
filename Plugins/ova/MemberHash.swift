import ArchiveFiles
import Hashing
import Synchronization
import System
import WriterKit

/// The SHA-256 of a member, on a thread of its own: as fast as a disk writes, but not as fast as
/// both one after the other.
///
/// `@unchecked Sendable` because: the ring is behind a lock, and the hash is the thread's until the
/// last block was awaited.
final class MemberHash: @unchecked Sendable {
  /// More than there are blocks: none is in the ring twice.
  private static let placeCount = 64

  private let ring = Mutex([MemberBlock?](repeating: nil, count: placeCount))
  private var next = 0
  private let isFilled = Gate()
  private var hash = SHA256()
  private var last: MemberBlock?
  private var thread: WorkerThread?

  func start() throws(PluginError) {
    do {
      thread = try WorkerThread(name: "hash") { [self] in run() }
    } catch { throw PluginError("starting to hash", error) }
  }

  /// Adds what a block has of a member; it may be changed when it was awaited.
  func add(_ block: MemberBlock) {
    guard block.isHashed else { return }
    block.startHashing()
    put(block)
    last = block
  }

  /// The digest of what was added since the last one.
  func finish() -> [UInt8] {
    // They come in order.
    last?.awaitHashed()
    last = nil
    return hash.finish()
  }

  /// Ends the thread, after what was added.
  func stop() {
    guard let thread else { return }
    self.thread = nil
    put(nil)
    thread.join()
  }

  private func put(_ block: MemberBlock?) {
    ring.withLock { $0[next] = block }
    next = (next + 1) % Self.placeCount
    isFilled.open()
  }

  private func run() {
    var turn = 0
    while true {
      isFilled.pass()
      guard let block = ring.withLock({ $0[turn] }) else { return }
      unsafe block.forEachHashed { unsafe hash.update($0) }
      block.finishHashing()
      turn = (turn + 1) % Self.placeCount
    }
  }
}
