import CommandLine
import CLinux
import Glibc
import SharedPool
import System
import Testing

@testable import BlockSource

/// QEMU parses a hostile disk: what it then says is not believed.
@Suite(.inTurns) struct HostileBackEndTests {
  /// Both ends of a socket; the test plays QEMU on the second.
  private func channel(seconds: Double = 5) throws -> Conversation {
    var ours: Int32 = -1
    var theirs: Int32 = -1
    try check(clinux_socketpair(&ours, &theirs), .socket, "a pair")
    try check(clinux_set_nonblocking(ours, 1), .setFlags, "a pair")
    let words = try CapturedWords(limit: 4096, name: "words")
    let channel = VhostUserChannel(
      socket: OwnedDescriptor(adopting: ours),
      deadline: MonotonicTime.now.advanced(bySeconds: seconds), server: .storageDaemon(words))
    return Conversation(channel, OwnedDescriptor(adopting: theirs))
  }

  @Test func `a right answer is taken`() throws {
    let box = try channel()
    try box.say([1, 5, 8, 0x1234, 1])
    #expect(try box.channel.askNumber(.getFeatures) == 0x1_0000_1234)
  }

  @Test(
    arguments: [
      ("answers another request", [2, 5, 8, 0, 0]), ("is of another version", [1, 6, 8, 0, 0]),
      ("is no answer", [1, 1, 8, 0, 0]), ("is endless", [1, 5, 0xFFFF_FFFF]),
      ("is too long", [1, 5, 513]), ("is no number", [1, 5, 4, 0]), ("is empty", [1, 5, 0]),
    ] as [(String, [UInt32])])
  func `an answer that is none is refused`(_ what: String, fields: [UInt32]) throws {
    let box = try channel()
    try box.say(fields)
    #expect {
      _ = try box.channel.askNumber(.getFeatures)
    } throws: { error in
      if case .protocolBroken? = error as? SourceError { true } else { false }
    }
  }

  @Test func `silence and half an answer end at the deadline`() throws {
    for fields: [UInt32] in [[], [1, 5], [1, 5, 8, 7]] {
      let box = try channel(seconds: 0.2)
      try box.say(fields)
      #expect {
        _ = try box.channel.askNumber(.getFeatures)
      } throws: { error in
        if case .notInTime? = error as? SourceError { true } else { false }
      }
    }
  }

  @Test func `a refusal and a hang-up are told apart`() throws {
    let box = try channel()
    box.channel.acknowledges = true
    try box.say([3, 5, 8, 1, 0])
    #expect {
      try box.channel.tell(.setOwner)
    } throws: { error in
      if case .refused? = error as? SourceError { true } else { false }
    }
    box.qemu = nil
    #expect {
      try box.channel.tell(.setOwner)
    } throws: { error in
      if case .daemonGone? = error as? SourceError { true } else { false }
    }
  }

  /// A queue with requests 0 and 2 in flight, and its memory, in which the test plays QEMU.
  private func queue() throws -> VirtQueueBox {
    let box = VirtQueueBox(try VirtQueue(requestCount: 17))
    for request in [0, 2] {
      box.queue.submit(request: request, offset: 0, target: VirtQueue.address, length: 512)
    }
    return box
  }

  @Test func `finished reads are told in the order they finish`() throws {
    let box = try queue()
    #expect(try box.queue.nextFinished() == nil)
    box.finish([6, 0], status: [2: 0, 0: 1])
    let first = try #require(try box.queue.nextFinished())
    let second = try #require(try box.queue.nextFinished())
    #expect(first.request == 2 && first.code == 0)
    #expect(second.request == 0 && second.code == EIO)
    #expect(try box.queue.nextFinished() == nil)
  }

  @Test func `a status that was never written is no success`() throws {
    let box = try queue()
    box.finish([0], status: [:])
    #expect(try box.queue.nextFinished()?.code == EIO)
  }

  @Test(
    arguments: [
      [3], [1], [7], [9], [0xFFFF_FFFF], [51], [0, 0], [0, 6, 0], [6, 6],
    ] as [[UInt32]])
  func `reads that were not asked for do not finish`(ids: [UInt32]) throws {
    let box = try queue()
    box.finish(ids, status: [0: 0, 2: 0])
    #expect {
      while try box.queue.nextFinished() != nil {}
    } throws: { error in
      if case .protocolBroken? = error as? SourceError { true } else { false }
    }
  }

  @Test func `a counter that runs wild is refused`() throws {
    for used: UInt16 in [3, 0x8000, 0xFFFF] {
      let box = try queue()
      box.setUsed(used)
      #expect(throws: SourceError.self) { try box.queue.nextFinished() }
    }
  }

  @Test func `a queue goes round many times`() throws {
    let box = VirtQueueBox(try VirtQueue(requestCount: 17))
    var order: [UInt32] = []
    for round in 0..<70_000 {
      let request = round % 17
      box.queue.submit(request: request, offset: 0, target: VirtQueue.address, length: 512)
      box.finishOne(UInt32(request * 3), round: round)
      if let finished = try box.queue.nextFinished() { order.append(UInt32(finished.request)) }
    }
    #expect(order.count == 70_000)
  }
}

/// A channel and the end on which the test plays QEMU.
final class Conversation {
  var channel: VhostUserChannel
  var qemu: OwnedDescriptor?

  init(_ channel: consuming VhostUserChannel, _ qemu: consuming OwnedDescriptor) {
    self.channel = channel
    self.qemu = Optional(qemu)
  }

  func say(_ fields: [UInt32]) throws {
    var bytes: [UInt8] = []
    for field in fields { bytes.appendInteger(field) }
    let socket = qemu?.raw ?? -1
    try check(clinux_write(socket, bytes, bytes.count), .write, "an answer")
  }
}

/// A queue in whose memory the test plays QEMU.
final class VirtQueueBox {
  var queue: VirtQueue
  private static let usedAt = 24 << 10
  private static let statusAt = 72 << 10

  init(_ queue: consuming VirtQueue) { self.queue = queue }

  private var base: UnsafeMutableRawPointer { queue.memory.unsafeBaseAddress }

  func finish(_ ids: [UInt32], status: [Int: UInt8]) {
    for (request, value) in status {
      base.storeBytes(of: value, toByteOffset: Self.statusAt + request, as: UInt8.self)
    }
    for (place, id) in ids.enumerated() {
      base.storeBytes(of: id, toByteOffset: Self.usedAt + 4 + 8 * place, as: UInt32.self)
    }
    setUsed(UInt16(ids.count))
  }

  func finishOne(_ id: UInt32, round: Int) {
    let place = round % Int(queue.entryCount)
    base.storeBytes(of: id, toByteOffset: Self.usedAt + 4 + 8 * place, as: UInt32.self)
    setUsed(UInt16(truncatingIfNeeded: round + 1))
  }

  func setUsed(_ value: UInt16) {
    base.storeBytes(of: value, toByteOffset: Self.usedAt + 2, as: UInt16.self)
  }
}
