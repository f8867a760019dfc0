internal import BackupProtocol
internal import System

/// Which DATA frames a plugin has not released yet. Specified in protocol.md §8.
///
/// Bounded by the pool: a slot can be lent once to each plugin.
struct LentSlots {
  private struct Loan {
    let sequence: UInt32
    let slot: Int
    /// How many were lent before it.
    let number: Int
    /// Since when it must come back without further frames.
    var due: MonotonicTime?
  }

  private var loans: [Loan] = []
  private var lentCount = 0
  /// Loans that a plugin may keep while it waits for more: the most recent ones.
  private let keptMax: Int
  /// The last numbers that were released, to tell which of them came twice.
  private var released: [UInt32] = []
  private var releasedCount = 0
  private static let rememberedMax = 64

  init(slotCount: Int) {
    keptMax = slotCount / 2
    loans.reserveCapacity(slotCount)
    released.reserveCapacity(Self.rememberedMax)
  }

  /// Since when the oldest loan is owed that a plugin may not keep any longer.
  var oldestDue: MonotonicTime? { loans.first?.due }

  var isEmpty: Bool { loans.isEmpty }
  var count: Int { loans.count }

  /// Slots that are out, to take back when the plugin is given up.
  var slots: [Int] { loans.map(\.slot) }

  mutating func lend(_ slot: Int, sequence: UInt32, _ now: MonotonicTime) {
    loans.append(Loan(sequence: sequence, slot: slot, number: lentCount))
    lentCount += 1
    markDue(keeping: keptMax, now)
  }

  /// No more will be lent: all of it is owed.
  mutating func noMore(_ now: MonotonicTime) { markDue(keeping: 0, now) }

  private mutating func markDue(keeping most: Int, _ now: MonotonicTime) {
    for place in loans.indices where loans[place].due == nil {
      guard lentCount - loans[place].number > most else { return }
      loans[place].due = now
    }
  }

  /// Ends the loan of a DATA frame.
  ///
  /// - Returns: Its slot, or `nil` if no such frame is out: released twice, or never sent.
  mutating func release(sequence: UInt32) -> Int? {
    guard let place = loans.firstIndex(where: { $0.sequence == sequence }) else { return nil }
    if released.count < Self.rememberedMax {
      released.append(sequence)
    } else {
      released[releasedCount % Self.rememberedMax] = sequence
    }
    releasedCount &+= 1
    return loans.remove(at: place).slot
  }

  /// Whether it is one of the last that were released.
  func wasReleased(_ sequence: UInt32) -> Bool { released.contains(sequence) }

  /// What is out, by the numbers of its frames: "DATA 7", "3 DATA, the oldest number 7".
  var words: String? {
    guard let oldest = loans.first?.sequence else { return nil }
    return loans.count == 1 ? "DATA \(oldest)" : "\(loans.count) DATA, the oldest number \(oldest)"
  }

  mutating func removeAll() { loans.removeAll(keepingCapacity: true) }
}
