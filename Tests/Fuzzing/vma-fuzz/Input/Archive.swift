internal import VMAFormat

/// An archive made of an input: most of an archive is zeros, which the input leaves out, and
/// checksums, which no fuzzer guesses.
///
/// The first byte says what stays as it is: see ``Kept``. Then come pieces: how many zeros (16
/// bits, little-endian), how many bytes (8 bits), and these.
package struct Archive {
  /// What is not put right. Were all of it kept, next to every archive would be refused for its
  /// first bytes.
  private struct Kept: OptionSet {
    let rawValue: UInt8
    /// Magic numbers, the version, identifiers of extents.
    static let marks = Kept(rawValue: 1)
    /// Size of the header, place and size of its blobs.
    static let sizes = Kept(rawValue: 2)
    /// Blocks that an extent counts.
    static let counts = Kept(rawValue: 4)
    static let checksums = Kept(rawValue: 0xF8)
  }

  /// Longer archives show nothing that shorter ones do not.
  private static let bytesMax = 640 << 10

  /// The same memory each time: new pages for each input took half of the time. libFuzzer calls on
  /// one thread.
  nonisolated(unsafe) private static let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: bytesMax, alignment: 4096)

  private let target: UnsafeMutableRawBufferPointer
  private let kept: Kept
  /// Valid until the next archive is made.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(target) }

  package init(_ input: UnsafeBufferPointer<UInt8>) {
    kept = Kept(rawValue: input.first ?? 0)
    var length = 0
    Self.pieces(input) { length += $0 + $1.count }
    let target = UnsafeMutableRawBufferPointer(rebasing: Self.memory[..<length])
    target.initializeMemory(as: UInt8.self, repeating: 0)
    var place = 0
    Self.pieces(input) { gap, piece in
      place += gap
      UnsafeMutableRawBufferPointer(rebasing: target[place...]).copyBytes(from: piece)
      place += piece.count
    }
    self.target = target
  }

  private static func pieces(
    _ input: UnsafeBufferPointer<UInt8>, _ take: (Int, UnsafeRawBufferPointer) -> Void
  ) {
    var (place, length) = (1, 0)
    while place + 3 <= input.count {
      let gap = Int(input[place]) | Int(input[place + 1]) << 8
      let count = min(Int(input[place + 2]), input.count - place - 3)
      length += gap + count
      guard length <= bytesMax else { return }
      let piece = UnsafeBufferPointer(rebasing: input[(place + 3)..<(place + 3 + count)])
      take(gap, UnsafeRawBufferPointer(piece))
      place += 3 + count
    }
  }

  /// Puts right what is not kept of the header and of every extent that can be found.
  package func repair() {
    guard bytes.count > 12800, !kept.isSuperset(of: .checksums) else { return }
    if !kept.contains(.marks) { put(0x564D_4100_0000_0001, at: 0, 8) }
    if !kept.contains(.sizes) { repairSizes() }
    let size = number(at: 56, 4)
    guard size > 12288, size <= bytes.count else { return }
    fix(0..<size, at: 32)
    var place = size
    while place + 512 <= bytes.count {
      repairExtent(place)
      place += 512 + number(at: place + 6, 2) * 4096
    }
  }

  private func repairSizes() {
    if !(12289...bytes.count).contains(number(at: 56, 4)) { put(12800, at: 56, 4) }
    put(12288, at: 48, 4)
    put(number(at: 56, 4) - 12288, at: 52, 4)
  }

  private func repairExtent(_ place: Int) {
    // Zeros stay zeros: there would be a thousand extents of nothing at the end of an archive.
    if !kept.contains(.marks), target[place] != 0 {
      put(0x564D_4145, at: place, 4)
      put(0, at: place + 4, 2)
      for offset in 8..<24 { target[place + offset] = target[offset] }
    }
    if !kept.contains(.counts) {
      var blocks = 0
      for slot in stride(from: place + 40, to: place + 512, by: 8) where target[slot + 3] != 0 {
        blocks += target[slot].nonzeroBitCount + target[slot + 1].nonzeroBitCount
      }
      put(blocks, at: place + 6, 2)
    }
    fix(place..<(place + 512), at: 24)
  }

  private func put(_ number: Int, at offset: Int, _ count: Int) {
    for place in 0..<count {
      target[offset + place] = UInt8(truncatingIfNeeded: number >> (8 * (count - 1 - place)))
    }
  }

  private func number(at offset: Int, _ count: Int) -> Int {
    bytes[offset..<(offset + count)].reduce(0) { $0 << 8 | Int($1) }
  }

  private func fix(_ range: Range<Int>, at offset: Int) {
    let place = UnsafeMutableRawBufferPointer(rebasing: target[range])
    let checksum = Checksum(of: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(place)), at: offset)
    place.storeBytes(of: checksum.high.bigEndian, toByteOffset: offset, as: UInt64.self)
    place.storeBytes(of: checksum.low.bigEndian, toByteOffset: offset + 8, as: UInt64.self)
  }
}
