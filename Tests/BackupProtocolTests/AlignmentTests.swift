import BackupProtocol
import FrameExercise
import JSON
import Testing

/// Where a reader puts the inline bytes of DATA: on an address that the receiver can write past the
/// page cache from, however the bytes come.
@Suite struct `Inline bytes` {
  /// Preamble and frames of all kinds, inline DATA of these lengths among them.
  private static func bytes(_ lengths: [Int], maskCounts: [Int] = []) -> [UInt8] {
    var bytes: [UInt8] = []
    var writer = FrameWriter()
    for (number, length) in lengths.enumerated() {
      writer.append(ZeroFrame(offset: 0, length: 65536, kind: .hole), stream: 1)
      let count = number < maskCounts.count ? maskCounts[number] : 0
      let frame = DataFrame(
        offset: 0, length: UInt32(length), place: .inline, maskCount: UInt16(count))
      let masks = (0..<count).map { _ in [] as BlockMask }
      writer.append(frame, stream: 1, masks: masks.span)
      take(&writer, &bytes)
      bytes += (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
      writer.append(DataFrame(offset: 0, length: 1, place: .slot(3)), stream: 2, masks: Span())
    }
    writer.append(.finish, [:])
    take(&writer, &bytes)
    return bytes
  }

  private static func take(_ writer: inout FrameWriter, _ bytes: inout [UInt8]) {
    writer.drain { pending in
      bytes += pending
      return pending.count
    }
  }

  /// What a reader makes of the bytes is what one makes that puts them anywhere.
  private func check(
    _ bytes: [UInt8], _ cuts: some Sequence<[Int]>, alignment: Int = 4096,
    frameBytesMax: UInt32 = Limits.frameBytesMax
  ) {
    let plain = Exercise(bytes)
    for cuts in cuts {
      let placed = Exercise(
        bytes, cuts: cuts, frameBytesMax: frameBytesMax, inlineAlignment: alignment)
      guard plain.agrees(with: placed), placed.frames.allSatisfy({ $0.isAligned }) else {
        Issue.record("differs, or is out of place, when it is cut at \(cuts.prefix(3))")
        return
      }
    }
  }

  private static let lengths = [1, 4095, 4096, 4097, 65535, 65536, 65537, 1 << 20]
  private static let maskCounts = [0, 1, 0, 1, 1, 1, 2, 16]

  @Test(arguments: [1, 2, 512, 4096], [1, 7, 4096, 65536, 1 << 22])
  func `are in their place, in pieces of any size`(alignment: Int, pieceBytes: Int) {
    let bytes = Self.bytes(Self.lengths, maskCounts: Self.maskCounts)
    #expect(Exercise(bytes).frames.count == 3 * Self.lengths.count + 1)
    check(
      bytes, [Array(stride(from: pieceBytes, to: bytes.count, by: pieceBytes))],
      alignment: alignment)
  }

  @Test func `are in their place, wherever they are cut`() {
    let small = Self.bytes([1, 100, 700], maskCounts: [1, 0, 1])
    check(small, (0...small.count).map { [$0] }, frameBytesMax: 4096)
    let large = Self.bytes([5000, 4096, 9000], maskCounts: [1, 1, 1])
    let places = stride(from: 1, to: large.count, by: 37)
    check(large, places.map { [$0, $0 + 48, $0 + 4100] }, frameBytesMax: 16 << 10)
  }

  @Test func `of the longest DATA have room, wherever it begins`() {
    let most = Int(Limits.inlineBytesMax)
    for count in [0, 17] {
      let bytes = Self.bytes([most, 1, most], maskCounts: [count, 1, count])
      check(bytes, [[], Array(stride(from: 50_000, to: bytes.count, by: 50_000))])
    }
  }

  /// A DATA whose fields lie about where its bytes are is put somewhere, and then refused.
  @Test(arguments: [0, 10, 31, 32, 40, 200], [0, 1, 7] as [UInt16])
  func `that a frame only claims to have change nothing`(payloadBytes: Int, place: UInt16) {
    for maskCount in [0, 1, 2000, UInt16.max] {
      var writer = FrameWriter()
      writer.append(.data, stream: 1) { bytes in
        var head = [UInt8](repeating: 0, count: 12)
        for field in [place, maskCount] { head += [UInt8(field & 0xFF), UInt8(field >> 8)] }
        head += [UInt8](repeating: 0, count: 184)
        bytes += head.prefix(payloadBytes)
      }
      writer.append(.finish, [:])
      let bytes = writer.pending
      #expect(Exercise(bytes).error != nil)
      check(bytes, (0...bytes.count).map { [$0] }, frameBytesMax: 4096)
    }
  }

  @Test func `make a reader ask for no more than it has to move`() throws {
    var reader = FrameReader(inlineAlignment: 4096)
    var rooms: [Int] = []
    var left = Self.bytes([1 << 20], maskCounts: [16])[...]
    while !left.isEmpty {
      reader.fill { room in
        rooms.append(room.count)
        let count = min(room.count, left.count)
        room.copyBytes(from: left.prefix(count))
        left = left.dropFirst(count)
        return count
      }
      while try reader.next() != nil {}
    }
    #expect(rooms.first == 4096)
    #expect(rooms.count <= 3 && rooms.allSatisfy { $0 <= (1 << 20) + 8192 }, "\(rooms)")
  }
}
