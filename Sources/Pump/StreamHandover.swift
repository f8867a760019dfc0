internal import CLinux
internal import Glibc
package import SharedPool
package import System

/// Carries streams from the thread that takes them out of an archive, the giver, to the thread
/// that sends them to writers, the taker.
///
/// The taker orders pieces into its slots, the giver fills them. Orders and answers go through two
/// pipes: a pipe gives order, sleep and wake-up, and its end tells that the other side is gone.
/// Streams follow each other in one order that both know.
package final class StreamHandover: @unchecked Sendable {
  // Unchecked because each descriptor belongs to one of the two threads.

  struct Order: BitwiseCopyable {
    var offset: UInt64
    var slot: UInt32
    var length: UInt32

    var end: UInt64 { offset + UInt64(length) }
  }

  struct Answer: BitwiseCopyable {
    var slot: UInt32
    /// 1: the piece is zeros, and the slot was not touched.
    var isZero: UInt32
  }

  /// The taker's pool.
  package let pool: SharedPool
  private let stop: StopSignal
  // The taker's.
  private var ordering: OwnedDescriptor?
  private let answered: OwnedDescriptor
  // The giver's.
  private let ordered: OwnedDescriptor
  private var answering: OwnedDescriptor?
  /// Whether the taker went away while the giver had something for it; the giver's, until it ends.
  package private(set) var isCut = false

  /// - Parameter stop: Ends the giver's waiting.
  package init(pool: SharedPool, stop: StopSignal) throws(SystemCallError) {
    self.pool = pool
    self.stop = stop
    var orders = try Pipe()
    var answers = try Pipe()
    try check(clinux_set_nonblocking(answers.readRaw, 1), .setFlags, "a pipe")
    ordering = orders.takeWriteEnd()
    ordered = orders.takeReadEnd()
    answering = answers.takeWriteEnd()
    answered = answers.takeReadEnd()
  }

  // The taker

  /// Readable when a piece has come, or the giver is gone.
  var takersDescriptor: Int32 { answered.raw }

  /// Orders a piece. A pipe holds more orders than there are slots: this never waits.
  func order(_ order: Order) {
    var order = order
    guard let raw = ordering?.raw else { return }
    unsafe _ = clinux_write(raw, &order, MemoryLayout<Order>.size)
  }

  /// Tells of each piece that has come; never blocks.
  ///
  /// - Returns: Whether the giver is still there.
  func collect(_ body: (Answer) -> Void) -> Bool {
    var answer = Answer(slot: 0, isZero: 0)
    while true {
      let count = unsafe clinux_read(answered.raw, &answer, MemoryLayout<Answer>.size)
      if count == -Int(EAGAIN) { return true }
      guard count == MemoryLayout<Answer>.size else { return false }
      body(answer)
    }
  }

  /// The taker wants no more.
  package func takerIsDone() { ordering = nil }

  // The giver

  /// Waits for the next order.
  func nextOrder() throws(LaneFailure) -> Order {
    var poller = Poller()
    poller.add(ordered.raw, .readable)
    poller.add(stop.descriptor, .readable)
    do throws(SystemCallError) { _ = try poller.wait(seconds: nil) } catch {
      throw .system("\(error)")
    }
    if stop.isRequested { throw .cancelled }
    var order = Order(offset: 0, slot: 0, length: 0)
    let count = unsafe clinux_read(ordered.raw, &order, MemoryLayout<Order>.size)
    guard count == MemoryLayout<Order>.size else {
      isCut = true
      throw .cancelled
    }
    return order
  }

  func answer(_ order: Order, isZero: Bool) {
    var answer = Answer(slot: order.slot, isZero: isZero ? 1 : 0)
    guard let raw = answering?.raw else { return }
    unsafe _ = clinux_write(raw, &answer, MemoryLayout<Answer>.size)
  }

  /// The giver has nothing more to give: it is done, or has failed.
  package func giverIsDone() { answering = nil }
}
