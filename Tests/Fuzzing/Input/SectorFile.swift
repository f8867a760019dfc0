/// A file made of an input: most of an archive or of a disk's metadata is zeros, which the input
/// leaves out, and all that means something begins on a multiple of 512 bytes.
///
/// Behind a first byte, which is the format's own, come pieces: how many sectors it is on from the
/// piece before (8 bits), where it begins in that sector (16 bits, little-endian), how many bytes
/// it has (8 bits), and these. A byte more in a piece so moves no other.
package struct SectorFile {
  /// Longer files show nothing that shorter ones do not.
  package static let bytesMax = 256 << 10

  /// The same memory each time: new pages for each input take half of the time. libFuzzer calls on
  /// one thread.
  nonisolated(unsafe) private static let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: bytesMax, alignment: 4096)
  nonisolated(unsafe) private static var dirtyBytes = bytesMax

  /// What the format's own byte says.
  package let flags: UInt8
  /// Valid until the next file is made.
  package private(set) var target: UnsafeMutableRawBufferPointer
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(target) }

  /// - Parameter isCut: Whether the file ends with the last piece, and not with its sector.
  package init(_ input: UnsafeBufferPointer<UInt8>, isCut: (UInt8) -> Bool) {
    flags = input.first ?? 0
    UnsafeMutableRawBufferPointer(rebasing: Self.memory[..<Self.dirtyBytes])
      .initializeMemory(as: UInt8.self, repeating: 0)
    var (place, sector, length) = (1, 0, 0)
    while place + 4 <= input.count {
      sector += Int(input[place])
      let start = sector * 512 + (Int(input[place + 1]) | Int(input[place + 2]) << 8) % 512
      let count = min(Int(input[place + 3]), input.count - place - 4)
      guard start + count <= Self.bytesMax else { break }
      UnsafeMutableRawBufferPointer(rebasing: Self.memory[start..<(start + count)])
        .copyBytes(from: input[(place + 4)..<(place + 4 + count)])
      length = max(length, start + count)
      place += 4 + count
    }
    Self.dirtyBytes = length
    if !isCut(flags) { length = (length + 511) & ~511 }
    target = UnsafeMutableRawBufferPointer(rebasing: Self.memory[..<length])
  }

  /// Puts bytes somewhere; the file grows as far as they need it.
  package mutating func put(_ bytes: some Collection<UInt8>, at place: Int) {
    guard place >= 0, place + bytes.count <= Self.bytesMax else { return }
    if place + bytes.count > target.count {
      target = UnsafeMutableRawBufferPointer(
        rebasing: Self.memory[..<((place + bytes.count + 511) & ~511)])
    }
    Self.dirtyBytes = max(Self.dirtyBytes, target.count)
    UnsafeMutableRawBufferPointer(rebasing: target[place..<(place + bytes.count)])
      .copyBytes(from: bytes)
  }

  package func holds(_ text: StaticString, at place: Int) -> Bool {
    guard place + text.utf8CodeUnitCount <= target.count else { return false }
    return text.withUTF8Buffer { target[place..<(place + $0.count)].elementsEqual($0) }
  }
}
