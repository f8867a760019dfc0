import BackupProtocol
import CommandLine
import Glibc
import JSON
import ScriptedHost
import SharedPool
import System

let workshop = DirectoryWorkshop(plugin: "sluice-writer-qcow2", format: "qcow2")

/// What the option `compress` may be.
let compressions = ["none", "zstd", "zlib"]

/// A machine that changes, and a directory with a chain of archives of it: `0`, `1`, ….
struct Levels {
  let place: Scratch
  private(set) var disk: [UInt8] = []
  private(set) var count = 0
  private var talk: Talk
  private var dice: Dice
  /// What each archive was told of the disk.
  private(set) var extents: [[Extent]] = []
  private(set) var sizes: [Int] = []

  init(seed: UInt64, compress: String, isShared: Bool = true) throws {
    place = try Scratch()
    dice = Dice(seed)
    talk = Talk(
      isShared: isShared, shape: PoolShape(slotCount: 4, slotBytes: 256 << 10),
      options: ["compress": .string(compress)])
  }

  var last: String { "\(count - 1)/d.qcow2" }

  func archive(_ level: Int) throws -> OwnedDescriptor {
    try openFile(place.path("\(level)"), flags: O_RDONLY | O_DIRECTORY)
  }

  /// Changes the disk, which gets another size, and writes an archive of what has changed.
  mutating func add(sectors: Int) throws {
    let before = disk.count
    disk = Array(disk.prefix(sectors * 512))
    disk += [UInt8](repeating: 0, count: sectors * 512 - disk.count)
    var map: [Extent] = []
    for number in 0..<((disk.count + 65535) / 65536) {
      let range = (number << 16)..<min(disk.count, (number + 1) << 16)
      let kind = change(range, isNew: !isCovered(range, before))
      map.append(upTo: UInt64(range.upperBound), kind)
    }
    var content = Content.disk(1, "d", disk)
    content.stream.isIncremental = count > 0
    mkdir(place.path("\(count)"), 0o700)
    try write(content, map, before)
    extents.append(map)
    sizes.append(disk.count)
    count += 1
    try place.create("disk.raw", disk)
  }

  /// Whether the parent has all bytes of a range (protocol.md §6.4).
  private func isCovered(_ range: Range<Int>, _ before: Int) -> Bool {
    count > 0
      && (range.upperBound <= before / 65536 * 65536
        || range.upperBound == before && before == disk.count)
  }

  private mutating func change(_ range: Range<Int>, isNew: Bool) -> Extent.Kind {
    let kinds: [Extent.Kind] = [.unchanged, .unchanged, .unchanged, .zero, .hole, .data, .data]
    let kind = kinds.dropFirst(isNew ? 3 : 0).randomElement(using: &dice)!
    switch kind {
    case .unchanged: break
    case .zero, .hole: replace(range, [UInt8](repeating: 0, count: range.count))
    case .data:
      let isText = Bool.random(using: &dice)
      let seed = dice.next()
      // Every third has blocks of zeros, which its mask tells.
      let bytes = noise(range.count, seed: seed) { block in seed % 3 == 0 && block % 2 == 0 }
      replace(range, isText ? bytes.map { $0 & 3 } : bytes)
    }
    return kind
  }

  private mutating func replace(_ range: Range<Int>, _ bytes: [UInt8]) {
    disk.replaceSubrange(range, with: bytes)
  }

  private func write(_ content: Content, _ map: [Extent], _ before: Int) throws {
    let process = try workshop.startWriter(in: archive(count), talk)
    let parent = ParentBackup(
      job: "j0", instant: Timestamp("2026-01-30T20:00:00Z")!, location: "../\(count - 1)",
      streams: ["d": ParentBackup.Stream(size: UInt64(before), digest: treeDigest([]))])
    try process.host.start(
      [content], format: "qcow2", options: talk.options, parent: count > 0 ? parent : nil)
    try process.host.write(content, as: map)
    _ = try workshop.finishWriting(process)
  }
}
