internal import BackupProtocol

/// DATA frames the writer has done with, until they are told to the host; and the slots that the
/// host may not lend again before that. One thread owns it. Allocates nothing after `prepare`.
final class ReleaseQueue {
  private var sequences: [UInt32] = []
  private var slots: [Int] = []
  /// Whether the host has lent a slot and we have not given it back.
  private var isLent: [Bool] = []
  /// Frames that the writer keeps beyond the call that brought them.
  var keptCount = 0
  /// Releases are sent in groups of this many: a quarter of the pool.
  private var groupCount = 1

  /// Takes the memory for a pool of `slotCount` slots.
  func prepare(slotCount: Int) {
    isLent = [Bool](repeating: false, count: slotCount)
    groupCount = max(1, slotCount / 4)
    sequences.reserveCapacity(Limits.releasesMax)
    slots.reserveCapacity(Limits.releasesMax)
  }

  /// Notes that the host lent a slot.
  ///
  /// - Returns: `false` if there is no such slot, or the host has not had it back since it lent it.
  func lend(slot: Int) -> Bool {
    guard isLent.indices.contains(slot), !isLent[slot] else { return false }
    isLent[slot] = true
    return true
  }

  /// Notes that a DATA frame is no longer needed.
  ///
  /// - Parameter slot: The slot it lent, or -1 for inline bytes.
  func release(sequence: UInt32, slot: Int) {
    sequences.append(sequence)
    slots.append(slot)
  }

  /// Whether it is time to tell the host without waiting for a pause.
  var isDue: Bool { sequences.count >= groupCount }

  /// Puts everything that waits into frames.
  func append(to writer: inout FrameWriter) {
    var from = 0
    while from < sequences.count {
      let to = min(sequences.count, from + Limits.releasesMax)
      writer.appendRelease(sequences.span.extracting(from..<to))
      from = to
    }
    for slot in slots where slot >= 0 { isLent[slot] = false }
    sequences.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
  }

  /// A reader has nothing to release: in read mode the host is the consumer.
  func checkEmpty() { precondition(sequences.isEmpty, "releases wait in read mode") }
}
