extension Image {
  private var clusterBits: Int { big(20, 4) }
  private var capacity: Int { big(24, 8) }
  private var tables: Int { ((capacity - 1) >> (2 * clusterBits - 3)) + 1 }

  mutating func repairQCOW2() {
    put([0x51, 0x46, 0x49, 0xFB], at: 0)
    putBig(2 + big(4, 4) & 1, at: 4, 4)
    if !isOverlay { putBig(0, at: 8, 8) }
    if isOverlay && clusterBits < 16 { putBig(16, at: 20, 4) }
    if !(9...21).contains(clusterBits) { putBig(9 + clusterBits & 7, at: 20, 4) }
    if !(0...(1 << 53)).contains(capacity) { putBig(capacity & 0xFFFFFF, at: 24, 8) }
    putBig(capacity & ~511, at: 24, 8)
    putBig(0, at: 32, 4)
    if capacity > 0, big(36, 4) < tables { putBig(tables, at: 36, 4) }
    let clusters = max(1, bytes.count >> clusterBits)
    putBig((big(40, 8) >> clusterBits & 0xFFFF) % clusters << clusterBits, at: 40, 8)
    if big(4, 4) == 3 { putBig(big(72, 8) & 1, at: 72, 8) }
  }

  /// Every deflated cluster that the first entries of tables point to, where its first byte is the
  /// number of one.
  mutating func putClusters() {
    let bits = clusterBits
    let first = big(40, 8)
    let end = bytes.count
    guard (9...16).contains(bits), capacity > 0, (0..<end).contains(first) else { return }
    for number in 0..<min(8, tables) {
      let table = big(first + 8 * number, 8) & 0x00FF_FFFF_FFFF_FE00
      if table == 0 || table >= end { continue }
      for index in 0..<min(32, 1 << (bits - 3)) {
        let entry = big(table + 8 * index, 8)
        let place = entry & (1 << (62 - (bits - 8)) - 1)
        guard entry & 1 << 62 != 0, place > 512, place < end,
          (1...GrainStreams.count).contains(Int(bytes[place]))
        else { continue }
        let stream = GrainStreams.stream(
          Int(bytes[place]) - 1, grainBytes: 1 << bits, left: 1 << bits, isRaw: true)
        put(stream, at: place)
      }
    }
  }
}
