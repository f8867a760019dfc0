import BackupProtocol
import Testing

@Suite struct `A recording` {
  private func parsed(_ text: String) -> RecordingLine? {
    RecordingLine(parsing: Array(text.utf8)[...])
  }

  private func recorded(_ bytes: [UInt8], keeping kept: Int? = nil) -> RecordedBytes {
    unsafe RecordedBytes(bytes.span.bytes, keeping: kept)
  }

  /// The checksums of RFC 3720, B.4.
  @Test(
    arguments: [
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      ([UInt8](0..<32), 0x46DD_794E), ([UInt8]((0..<32).reversed()), 0x113F_DB5C),
      ([], 0),
    ] as [([UInt8], UInt32)])
  func `has the checksums of RFC 3720`(_ bytes: [UInt8], _ checksum: UInt32) {
    #expect(recorded(bytes).checksum == checksum)
  }

  @Test(
    arguments: [
      .begins("a plugin"), .process("ended with exit status 0"), .frame(.toPlugin, []),
      .frame(.toHost, [1, 2, 3]), .slot(255, Array(repeating: 0x5A, count: 512)),
      .unreadable(.toHost, [0] + Array(repeating: 1, count: 16) + [2, 2]),
    ] as [Told])
  func `is read as it was written`(_ told: Told) throws {
    let line = RecordingLine(microseconds: 12_000_034, session: 7, event: told.event)
    let text = line.text(comment: told.event.bytes == nil ? "" : "words ; 00 -> slot")
    #expect(RecordingLine(parsing: text[...]) == line)
    #expect(String(decoding: text, as: UTF8.self).hasPrefix("12.000034 7 "))
  }

  /// An event, from bytes.
  enum Told: Sendable {
    case begins(String)
    case process(String)
    case frame(RecordingLine.Direction, [UInt8])
    case slot(Int, [UInt8])
    case unreadable(RecordingLine.Direction, [UInt8])

    var event: RecordingLine.Event {
      switch self {
      case .begins(let words): .begins(words)
      case .process(let words): .process(words)
      case .frame(let direction, let bytes):
        .frame(direction, unsafe RecordedBytes(bytes.span.bytes))
      case .slot(let slot, let bytes): .slot(slot, unsafe RecordedBytes(bytes.span.bytes))
      case .unreadable(let direction, let bytes):
        .unreadable(direction, unsafe RecordedBytes(bytes.span.bytes))
      }
    }
  }

  @Test func `tells how much is left out, and its checksum`() {
    let bytes = recorded([UInt8](0..<32), keeping: 2)
    #expect(String(decoding: bytes.text, as: UTF8.self) == "46dd794e 0001 ..*30")
    #expect(!bytes.isDamaged)
  }

  @Test func `shows that bytes were changed`() throws {
    #expect(parsed("0.000000 1 -> 46dd794e 0001")?.event.bytes?.isDamaged == true)
    #expect(parsed("0.000000 1 -> 00000000 ")?.event.bytes == nil)
    #expect(parsed("0.000000 1 -> 00000000")?.event.bytes?.isDamaged == false)
  }

  @Test(arguments: [
    "", " ", "0.1 1 begins x", "0.000000 0 begins x", "0.000000 -1 begins x", "0.000000 1 begins",
    "0.000000 1 ends x", "+0.000000 1 begins x", "9999999999.000000 1 begins x",
    "0.000000 1 -> ", "0.000000 1 -> 0000000", "0.000000 1 -> 00000000 0", "0.000000 1 ->  ",
    "0.000000 1 -> 00000000 0G", "0.000000 1 -> 00000000 00*", "0.000000 1 -> 00000000 00*0",
    "0.000000 1 -> 00000000 00*99999999", "0.000000 1 -> 00000000 ..*99999999",
    "0.000000 1 -> 00000000 ..*1 00", "0.000000 1 -> 00000000 0000*2", "0.000000 1 => 00000000",
    "0.000000 1 slot 00000000 00", "0.000000 1 slot -1 00000000 00", "0.000000 1 -> 00000000 1*2*3",
  ])
  func `has no line of another kind`(_ text: String) { #expect(parsed(text) == nil) }
}

extension RecordingLine.Event {
  fileprivate var bytes: RecordedBytes? {
    switch self {
    case .frame(_, let bytes), .slot(_, let bytes), .unreadable(_, let bytes): bytes
    case .begins, .process: nil
    }
  }
}
