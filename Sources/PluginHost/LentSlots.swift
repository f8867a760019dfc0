internal import BackupProtocol

/// Which DATA frames a plugin has not released yet. Specified in protocol.md §8.
///
/// Bounded by the pool: a slot can be lent once to each plugin.
struct LentSlots {
  private struct Loan {
    let sequence: UInt32
    let slot: Int
  }

  private var loans: [Loan] = []

  init(slotCount: Int) { loans.reserveCapacity(slotCount) }

  var isEmpty: Bool { loans.isEmpty }
  var count: Int { loans.count }

  /// Slots that are out, to take back when the plugin is given up.
  var slots: [Int] { loans.map(\.slot) }

  mutating func lend(_ slot: Int, sequence: UInt32) {
    loans.append(Loan(sequence: sequence, slot: slot))
  }

  /// Ends the loan of a DATA frame.
  ///
  /// - Returns: Its slot, or `nil` if no such frame is out: released twice, or never sent.
  mutating func release(sequence: UInt32) -> Int? {
    guard let place = loans.firstIndex(where: { $0.sequence == sequence }) else { return nil }
    return loans.remove(at: place).slot
  }

  mutating func removeAll() { loans.removeAll(keepingCapacity: true) }
}
