import VMAFormat

/// An archive made of an input: most of an archive is zeros, which the input leaves out, and
/// checksums, which no fuzzer guesses.
///
/// The first byte says whether checksums are put right. Then come pieces: how many zeros (16 bits,
/// little-endian), how many bytes (8 bits), and these.
struct Archive {
  /// Longer archives show nothing that shorter ones do not.
  private static let bytesMax = 640 << 10

  /// The same memory each time: new pages for each input took half of the time. libFuzzer calls on
  /// one thread.
  nonisolated(unsafe) private static let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: bytesMax, alignment: 4096)

  private let target: UnsafeMutableRawBufferPointer
  let keepsChecksums: Bool
  /// Valid until the next archive is made.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(target) }

  init(_ input: UnsafeBufferPointer<UInt8>) {
    keepsChecksums = input.first == 0xFF
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

  /// Puts the checksums of the header and of every extent right that can be found.
  func fixChecksums() {
    guard bytes.count > 12288 else { return }
    let size = number(at: 56, 4)
    guard size > 12288, size <= bytes.count else { return }
    fix(0..<size, at: 32)
    var place = size
    while place + 512 <= bytes.count {
      fix(place..<(place + 512), at: 24)
      place += 512 + number(at: place + 6, 2) * 4096
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
