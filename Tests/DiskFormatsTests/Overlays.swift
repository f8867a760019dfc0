import ArchiveBytes
import CommandLine
import DiskFormats
import Glibc
import System

/// What an increment says of a cluster.
enum Change: CaseIterable, Sendable { case unchanged, zeros, text, noise }

/// An image in a file that is written as a plugin does it, without one.
final class ImageMaker {
  private var encoder: QCOW2Encoder
  private let codec: QCOW2Codec?
  private let file: OwnedDescriptor
  private var packed = [UInt8](repeating: 0, count: QCOW2Codec.packedBytesMax)

  init(
    _ place: Scratch, _ name: String, capacity: UInt64, method: QCOW2Codec.Method? = nil,
    backing: QCOW2Encoder.Backing? = nil
  ) throws {
    encoder = try QCOW2Encoder(
      capacityBytes: capacity, backing: backing, isZstd: method == .zstd)
    codec = method.flatMap { QCOW2Codec($0) }
    file = try openFile(
      name, in: place.descriptor.raw, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
  }

  /// Adds a cluster of the disk, the last of which may be short.
  func add(_ number: UInt64, _ bytes: [UInt8]) throws {
    let cluster = bytes + [UInt8](repeating: 0, count: 65536 - bytes.count)
    var count = 0
    if let codec {
      count = cluster.withUnsafeBytes { cluster in
        packed.withUnsafeMutableBytes { codec.pack(cluster, into: $0) }
      }
    }
    let offset = count > 0 ? try encoder.add(number, packed: count) : try encoder.add(number)
    try write(count > 0 ? Array(packed[..<count]) : cluster, at: offset)
  }

  /// Adds a cluster without its bytes.
  func note(_ number: UInt64, packed: Int? = nil) throws {
    if let packed {
      _ = try encoder.add(number, packed: packed)
    } else {
      _ = try encoder.add(number)
    }
    try writePieces()
  }

  func addZeros(_ clusters: Range<UInt64>) throws {
    try encoder.addZeros(clusters)
    try writePieces()
  }

  /// - Returns: Bytes of the file.
  @discardableResult
  func finish() throws -> UInt64 {
    try writePieces()
    let file = file.raw
    let header = try encoder.finish { piece in try Self.write(file, piece.bytes, piece.offset) }
    try Self.write(file, header.bytes, header.offset)
    guard ftruncate(file, Int(encoder.byteCount)) == 0 else {
      throw SystemCallError(.ftruncate, subject: "the image", code: errno)
    }
    return encoder.byteCount
  }

  private func write(_ bytes: [UInt8], at offset: UInt64) throws {
    try writePieces()
    try Self.write(file.raw, bytes, offset)
  }

  private func writePieces() throws {
    for piece in encoder.takePieces() { try Self.write(file.raw, piece.bytes, piece.offset) }
  }

  private static func write(_ file: Int32, _ bytes: [UInt8], _ offset: UInt64) throws {
    let count = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, Int(offset)) }
    guard count == bytes.count else {
      throw SystemCallError(.write, subject: "the image", code: errno)
    }
  }
}

/// A disk that changes, and a chain of images of it.
struct Chain {
  let place: Scratch
  let method: QCOW2Codec.Method?
  private(set) var disk: [UInt8] = []
  private(set) var levels = 0
  private var dice: Dice

  init(seed: UInt64, method: QCOW2Codec.Method?) throws {
    place = try Scratch()
    dice = Dice(seed)
    self.method = method
  }

  var top: String { "level\(levels - 1).qcow2" }

  /// Changes the disk, which gets another size, and adds an image of what has changed.
  mutating func addLevel(sectors: Int) throws {
    let before = disk.count
    disk = Array(disk.prefix(sectors * 512))
    disk += [UInt8](repeating: 0, count: sectors * 512 - disk.count)
    let backing =
      levels == 0
      ? nil : QCOW2Encoder.Backing(name: Array(top.utf8), capacityBytes: UInt64(before))
    let image = try ImageMaker(
      place, "level\(levels).qcow2", capacity: UInt64(disk.count), method: method,
      backing: backing)
    for number in 0..<((disk.count + 65535) / 65536) {
      let range = (number << 16)..<min(disk.count, (number + 1) << 16)
      // What is new since the disk grew is never unchanged.
      let isNew = levels == 0 || range.upperBound > before
      switch isNew ? [.zeros, .text, .noise].randomElement(using: &dice)! : nextChange() {
      case .unchanged: continue
      case .zeros:
        replace(range, [UInt8](repeating: 0, count: range.count))
        try image.addZeros(UInt64(number)..<UInt64(number + 1))
      case .text:
        replace(range, Array(Disk.text(range.count + 64).suffix(range.count)))
        try image.add(UInt64(number), Array(disk[range]))
      case .noise:
        replace(range, noise(range.count, seed: dice.next()))
        try image.add(UInt64(number), Array(disk[range]))
      }
    }
    try image.finish()
    levels += 1
    try place.create("disk.raw", disk)
  }

  private mutating func replace(_ range: Range<Int>, _ bytes: [UInt8]) {
    disk.replaceSubrange(range, with: bytes)
  }

  /// Most is unchanged, as in life.
  private mutating func nextChange() -> Change {
    Bool.random(using: &dice) ? .unchanged : Change.allCases.randomElement(using: &dice)!
  }
}
