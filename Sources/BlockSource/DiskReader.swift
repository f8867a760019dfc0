package import System

/// How bytes travel from QEMU into the slots.
package enum Transport: String, Sendable, CaseIterable {
  /// QEMU reads straight into the pool.
  case vhostUser = "vhost-user"
  /// The kernel copies through a socket: for a QEMU that lacks the other way.
  case nbd
}

/// A read that has come to its end.
package struct ReadCompletion: Equatable, Sendable {
  package let slot: Int
  /// 0, or a positive errno; then the slot's bytes mean nothing.
  package let code: Int32
  /// Whether the piece is all zeros, and the slot was left alone.
  package let isZero: Bool

  package init(slot: Int, code: Int32, isZero: Bool = false) {
    self.slot = slot
    self.code = code
    self.isZero = isZero
  }
}

/// Reads pieces of one disk into slots of a pool, several at a time.
///
/// Used by one thread. After an error is thrown the reader is good for nothing but `close()`;
/// a `ReadCompletion` with a code leaves it whole.
package protocol DiskReader: AnyObject {
  /// Reads that may be in flight at once: the number of slots.
  var readsInFlightMax: Int { get }

  /// Starts a read into the first bytes of a slot.
  ///
  /// Traps if the slot is in flight or the range is not one of the disk: that is a caller's bug.
  ///
  /// - Parameters:
  ///   - slot: A slot of the pool that nobody else touches until its completion.
  ///   - offset: Bytes from the start of the disk, a multiple of 64 KiB.
  ///   - length: 1…slotBytes; only at the end of the disk not a multiple of 512. Up to 511 bytes
  ///     of the slot beyond `length` may be overwritten.
  func submit(slot: Int, offset: UInt64, length: Int) throws(SourceError)

  /// Adds what to wait for now.
  func addDescriptors(to poller: inout Poller)

  /// Tells about every read that has ended; never blocks.
  func collect(_ body: (ReadCompletion) -> Void) throws(SourceError)

  /// Ends the connection. Until the daemon has stopped, slots still in flight may be written to.
  func close()
}
