internal import BackupProtocol

/// Where each slot of a pool is in its life; the lane's own book, shared with nobody.
///
/// `free → reading → (scanned) → announced, held by writers and by the digest → free`
struct SlotBoard {
  struct Entry {
    /// Bytes from the start of the stream, and how many.
    var offset: UInt64 = 0
    var length = 0
    /// Whether the bytes have arrived and been scanned.
    var isReady = false
    /// 4 KiB blocks that hold data; 0 once ready means: announce zeros.
    var dataBlocks = 0
    /// Whether the workers have hashed it.
    var hasDigest = false
    /// Holders: each writer it is lent to, and the digest until it is taken.
    var holders = 0
  }

  private(set) var freeSlots: [Int]
  private var entries: [Entry]
  /// Masks of each slot, one row a slot.
  private(set) var masks: [[BlockMask]]

  init(slotCount: Int, clustersPerSlot: Int) {
    freeSlots = Array((0..<slotCount).reversed())
    entries = Array(repeating: Entry(), count: slotCount)
    masks = Array(repeating: Array(repeating: [], count: clustersPerSlot), count: slotCount)
  }

  var hasFree: Bool { !freeSlots.isEmpty }
  var isIdle: Bool { freeSlots.count == entries.count }

  subscript(slot: Int) -> Entry {
    get { entries[slot] }
    set { entries[slot] = newValue }
  }

  mutating func take(offset: UInt64, length: Int) -> Int {
    let slot = freeSlots.removeLast()
    entries[slot] = Entry(offset: offset, length: length)
    return slot
  }

  mutating func scan(_ slot: Int, _ bytes: UnsafeRawBufferPointer) {
    entries[slot].dataBlocks = unsafe ZeroScan.scan(bytes, into: &masks[slot])
    entries[slot].isReady = true
  }

  /// Notes that a slot's piece is zeros, without looking at its bytes.
  mutating func noteZeros(_ slot: Int) {
    entries[slot].dataBlocks = 0
    entries[slot].isReady = true
  }

  /// Ends one holder's use of a slot; the last one frees it.
  mutating func drop(_ slot: Int) {
    precondition(entries[slot].holders > 0, "slot \(slot) is held by nobody")
    entries[slot].holders -= 1
    if entries[slot].holders == 0 { freeSlots.append(slot) }
  }
}
