extension Image {
  private var isCompressed: Bool { little(8, 4) & 1 << 16 != 0 }
  private var capacity: Int { little(12, 8) }
  private var grainSectors: Int { little(20, 8) }

  mutating func repairVMDK() {
    put([0x4B, 0x44, 0x4D, 0x56], at: 0)
    putLittle(1 + little(4, 4) % 3, at: 4, 4)
    if reader == .stream { putLittle(little(8, 4) | 3 << 16, at: 8, 4) }
    if !(1...(1 << 44)).contains(capacity) { putLittle(1 + capacity & 0xFFFF, at: 12, 8) }
    let sectors = grainSectors
    if sectors.nonzeroBitCount != 1 || !(8...2048).contains(sectors) {
      putLittle(8 << (sectors & 3), at: 20, 8)
    }
    let entries = little(44, 4)
    if entries.nonzeroBitCount != 1 || !(128...4096).contains(entries) {
      putLittle(128 << (entries & 3), at: 44, 4)
    }
    put([0x0A, 0x20, 0x0D, 0x0A], at: 73)
    putLittle(isCompressed ? 1 : 0, at: 77, 2)
    for place in [28, 64] where little(place, 8) > bytes.count / 512 {
      putLittle(1 + little(place, 8) & 3, at: place, 8)
    }
    if reader == .table { repairDirectory() }
  }

  /// A directory that is nowhere lies in the third sector, or a footer says where.
  private mutating func repairDirectory() {
    let offset = little(56, 8)
    if offset == -1 {
      guard bytes.count >= 4 * 512 else { return }
      let footer = bytes.count - 1024
      let directory = little(footer + 56, 8)
      put(Array(bytes[0..<512]), at: footer)
      putLittle(directory, at: footer + 56, 8)
    } else if !(1..<(bytes.count / 512)).contains(offset) {
      putLittle(2, at: 56, 8)
    }
  }

  /// Puts a deflated grain behind the marker at `place` if its size is a number of one.
  private mutating func putGrain(at place: Int, _ lba: Int) {
    let size = little(place + 8, 4)
    guard (1...GrainStreams.count).contains(size), (8...128).contains(grainSectors) else { return }
    let left = min(max(capacity &- lba, 1), 1 << 12) * 512
    let stream = GrainStreams.stream(
      size - 1, grainBytes: grainSectors * 512, left: left, isRaw: false)
    putLittle(stream.count, at: place + 8, 4)
    put(stream, at: place + 12)
  }

  /// Every grain from the first marker on, as far as markers lead.
  mutating func putStreamGrains() {
    var place = little(64, 8) &* 512
    // Not `place + 512`: the place is whatever the input says.
    for _ in 0..<64 where place >= 512 && place <= bytes.count - 512 {
      if little(place + 8, 4) == 0 {
        if little(place + 12, 4) == 0 { return }
        place += 512 * (1 + little(place, 4))
        continue
      }
      putGrain(at: place, little(place, 8))
      place += (12 + little(place + 8, 4) + 511) & ~511
    }
  }

  /// Every grain that the first entries of tables point to.
  mutating func putTableGrains() {
    guard isCompressed else { return }
    let end = bytes.count
    var directory = little(56, 8)
    if directory == -1 { directory = little(end - 1024 + 56, 8) }
    guard (1..<(end / 512)).contains(directory) else { return }
    for number in 0..<8 {
      let table = little(directory * 512 + 4 * number, 4) * 512
      if table == 0 || table >= end { continue }
      for index in 0..<32 {
        let place = little(table + 4 * index, 4) * 512
        if place < 1024 || place >= end { continue }
        let lba = (number * little(44, 4) + index) &* grainSectors
        putLittle(lba, at: place, 8)
        putGrain(at: place, lba)
      }
    }
  }
}
