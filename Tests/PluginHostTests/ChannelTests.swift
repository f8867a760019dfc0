import BackupProtocol
import Glibc
import SharedPool
import System
import Testing

@testable import PluginHost

struct ChannelTests {
  @Test func `a slot is released once and only if it was lent`() {
    var lent = LentSlots(slotCount: 4)
    lent.lend(2, sequence: 7, .now)
    lent.lend(0, sequence: 9, .now)
    #expect(lent.release(sequence: 8) == nil)
    #expect(lent.release(sequence: 7) == 2)
    #expect(lent.release(sequence: 7) == nil)
    #expect(lent.slots == [0])
  }

  @Test func `a slot is owed once the plugin may not keep it any longer`() {
    var lent = LentSlots(slotCount: 4)
    let start = MonotonicTime.now
    for number in 0..<3 {
      lent.lend(number, sequence: UInt32(number), start.advanced(bySeconds: Double(number)))
      #expect((lent.oldestDue == nil) == (number < 2))
    }
    #expect(lent.oldestDue == start.advanced(bySeconds: 2))
    _ = lent.release(sequence: 0)
    #expect(lent.oldestDue == nil)
    lent.noMore(start.advanced(bySeconds: 9))
    #expect(lent.oldestDue == start.advanced(bySeconds: 9))
  }

  @Test func `BUSY gets an hour for as many frames as there are slots, and no more`() {
    let now = MonotonicTime.now
    var deadlines = SessionDeadlines(now: now, patience: PluginSession.Patience())
    for round in 0..<4 {
      deadlines.extend(bySeconds: 1200, now)
      #expect(deadlines.busySpent == min(3600, 1200 * Double(round + 1)))
      deadlines.moved(of: 16, now)
    }
    #expect(deadlines.busyUntil == now)
    for _ in 0..<12 { deadlines.moved(of: 16, now) }
    #expect(deadlines.busySpent == 0)
  }

  @Test func `inline data goes right behind its frame, however little the pipe takes`() throws {
    let pool = try SharedPool(PoolShape(slotCount: 4, slotBytes: 65536), name: "test")
    for place in 0..<65536 {
      pool.unsafeBytes(slot: 1)[place] = UInt8(truncatingIfNeeded: place &* 7)
    }
    var pipe = try Pipe()
    try pipe.readRaw.makeNonblocking()
    try pipe.writeRaw.makeNonblocking()
    var queue = OutgoingQueue(pipe: pipe.takeWriteEnd(), pool: pool)
    let frame = DataFrame(offset: 0, length: 65536, place: .inline)
    for _ in 0..<3 {
      queue.frames.append(frame, stream: 1, masks: Span())
      queue.splice(slot: 1, length: 65536)
    }
    queue.frames.appendOpen(stream: 2)
    var reader = FrameReader()
    var types: [FrameType] = []
    while !queue.isEmpty || types.count < 4 {
      _ = try queue.flush()
      reader.fill { max(0, read(pipe.readRaw, $0.baseAddress!, min($0.count, 5000))) }
      while let header = try reader.next() {
        types.append(header.type)
        guard header.type == .data else { continue }
        let isWhole = reader.withPayload { payload in
          (0..<65536).allSatisfy { place in
            payload.unsafeLoad(fromByteOffset: 32 + place, as: UInt8.self)
              == UInt8(truncatingIfNeeded: place &* 7)
          }
        }
        #expect(isWhole)
      }
    }
    #expect(types == [.data, .data, .data, .open])
  }

  @Test func `escapes and control characters never reach a terminal`() {
    let hostile = "a\u{1B}[2Jb\u{07}c\u{1B}]0;title\u{07}d\u{9B}31me\tf\rg\u{202E}h\n"
    let text = sanitised(hostile.utf8)
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
    #expect(!text.contains("\u{202E}"))
    #expect(text.hasPrefix("ab"))
  }

  @Test func `of a flood only the end is kept`() throws {
    var pipe = try Pipe()
    try pipe.readRaw.makeNonblocking()
    try pipe.writeRaw.makeNonblocking()
    let end = pipe.takeWriteEnd()
    var log = LogCapture(pipe: pipe.takeReadEnd())
    let line = Array("0123456789abcdef0123456789abcde\n".utf8)
    while !log.isFlooded {
      while write(end.raw, line, line.count) > 0 {}
      log.drain()
    }
    #expect(log.totalBytes > LogCapture.totalBytesMax)
    #expect(log.lastLines().count == 20)
  }
}

extension Int32 {
  /// Makes a descriptor non-blocking.
  fileprivate func makeNonblocking() throws {
    guard fcntl(self, F_SETFL, fcntl(self, F_GETFL) | O_NONBLOCK) == 0 else {
      throw SystemCallError(.setFlags, subject: "\(self)", code: errno)
    }
  }
}
