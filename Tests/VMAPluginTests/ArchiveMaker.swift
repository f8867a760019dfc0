import CommandLine
import BackupProtocol
import ScriptedHost

@testable import VMAFormat

/// Makes archives as no writer of ours would: any order, any number of slots, gaps, other
/// programs' habits.
struct ArchiveMaker {
  var identifier = ArchiveIdentifier(high: 0x0102_0304_0506_4708, low: 0x8901_0203_0405_0607)
  var contents: [Content]
  private(set) var bytes: [UInt8]

  init(_ contents: [Content]) {
    self.contents = contents
    var header = HeaderBuilder(identifier: identifier, created: 1_700_000_000)
    for content in contents where content.stream.kind == .config {
      header.addConfig(name: content.stream.name, content: content.bytes)
    }
    for content in contents where content.stream.kind != .config {
      header.addDevice(name: content.stream.name, size: UInt64(content.bytes.count))
    }
    bytes = header.finish()
  }

  var disks: [Content] { contents.filter { $0.stream.kind != .config } }

  /// Every cluster of every disk, in order.
  var allSlots: [ExtentSlot] {
    disks.indices.flatMap { disk in
      (0..<((disks[disk].bytes.count + 65535) / 65536)).map { slot(disk, $0) }
    }
  }

  /// The slot of a cluster, with its mask.
  func slot(_ disk: Int, _ cluster: Int) -> ExtentSlot {
    let content = disks[disk].bytes
    var mask: BlockMask = []
    for block in 0..<16 {
      let start = cluster * 65536 + block * 4096
      guard start < content.count else { break }
      if !isZeros(content, start..<min(content.count, start + 4096)) { mask[block] = true }
    }
    return ExtentSlot(device: UInt8(disk + 1), cluster: UInt32(cluster), mask: mask)
  }

  /// Adds extents of so many slots each.
  mutating func add(_ slots: [ExtentSlot], perExtent: Int = 58) {
    for start in stride(from: 0, to: slots.count, by: perExtent) {
      addExtent(Array(slots[start..<min(slots.count, start + perExtent)]))
    }
  }

  /// Adds one extent, with the blocks that its masks say.
  mutating func addExtent(_ slots: [ExtentSlot]) {
    var header = ExtentHeader()
    for slot in slots { header.append(slot) }
    var encoded = [UInt8](repeating: 0, count: 512)
    header.encode(identifier, into: &encoded)
    bytes += encoded
    for slot in slots { bytes += blocks(slot) }
  }

  /// The blocks that a slot's mask says, zeros where a disk has none.
  private func blocks(_ slot: ExtentSlot) -> [UInt8] {
    let content =
      disks.indices.contains(Int(slot.device) - 1) ? disks[Int(slot.device) - 1].bytes : []
    var blocks: [UInt8] = []
    for block in 0..<16 where slot.mask[block] {
      let start = min(content.count, Int(slot.cluster) * 65536 + block * 4096)
      let part = content[start..<min(content.count, start + 4096)]
      blocks += part
      blocks.append(contentsOf: repeatElement(0, count: 4096 - part.count))
    }
    return blocks
  }

  /// Takes another header, of the same identifier, for that which was there.
  mutating func replaceHeader(_ header: [UInt8]) { bytes = header }

  /// A whole archive in order.
  static func make(_ contents: [Content]) -> ArchiveMaker {
    var maker = ArchiveMaker(contents)
    maker.add(maker.allSlots)
    return maker
  }
}

/// Bytes of an archive that are to be damaged.
struct Wreck {
  var bytes: [UInt8]

  subscript<Number: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int, _ type: Number.Type
  ) -> Number {
    get { bytes.bigEndian(offset, as: type) }
    set { bytes.store(newValue, at: offset) }
  }

  var headerBytes: Int { Int(self[56, UInt32.self]) }

  /// Where extents begin.
  var extents: [Int] {
    var (places, place) = ([Int](), headerBytes)
    while place + 512 <= bytes.count {
      places.append(place)
      place += 512 + Int(self[place + 6, UInt16.self]) * 4096
    }
    return places
  }

  /// Where the slots of an extent begin.
  func slot(_ extent: Int, _ index: Int) -> Int { extents[extent] + 40 + 8 * index }

  mutating func fixHeader() {
    let count = min(headerBytes, bytes.count)
    let checksum = Checksum(of: Array(bytes[..<count]).span.bytes, at: 32)
    self[32, UInt64.self] = checksum.high
    self[40, UInt64.self] = checksum.low
  }

  mutating func fixExtent(at place: Int) {
    let checksum = Checksum(of: Array(bytes[place..<(place + 512)]).span.bytes, at: 24)
    self[place + 24, UInt64.self] = checksum.high
    self[place + 32, UInt64.self] = checksum.low
  }

  /// Changes an extent's header, whose checksum is right afterwards.
  mutating func changeExtent(_ number: Int, _ change: (inout Wreck, Int) -> Void) {
    let place = extents[number]
    change(&self, place)
    fixExtent(at: place)
  }

  /// Changes the header, whose checksum is right afterwards.
  mutating func changeHeader(_ change: (inout Wreck) -> Void) {
    change(&self)
    fixHeader()
  }
}
