import BackupProtocol
import JSON
import ScriptedHost
import SharedPool
import Synchronization
import Testing
@testable import WriterKit

/// Maps that a writer was given, as text.
private let seenMaps = Mutex<[String]>([])

private final class MapWriter: IdleWriter {
  override func map(_ stream: StreamDescription, _ extents: [Extent]) throws(PluginError) {
    let text = extents.map { "\($0.offset)+\($0.length):\($0.kind)" }.joined(separator: " ")
    seenMaps.withLock { $0.append("\(stream.id) \(text)") }
  }
}

@Suite(.serialized) struct `Allocation maps` {
  let shape = PoolShape(slotCount: 4, slotBytes: 65536)

  /// A job with a disk of 300000 bytes, of which the second cluster is a hole, and a small file.
  func start(wantsMap: Bool = true) throws -> KitSession {
    seenMaps.withLock { $0 = [] }
    let kit = try KitSession(MapWriter.self, pool: nil, shape: shape, needs: wantsMap ? [.map] : [])
    let ack = try kit.host.greet(features: ["map"])
    #expect(ack.accepts(.map) == wantsMap)
    try kit.host.start([
      .disk(1, "d", [UInt8](repeating: 1, count: 300_000)), .config(2, "c", [1]),
    ])
    return kit
  }

  let good: [Extent] = [
    Extent(offset: 0, length: 65536, kind: .data),
    Extent(offset: 65536, length: 65536, kind: .hole),
    Extent(offset: 131_072, length: 65536, kind: .zero),
    Extent(offset: 196_608, length: 103_392, kind: .data),
  ]

  func send(_ map: [Extent], isLast: Bool = true, to kit: KitSession) throws {
    try kit.host.send { $0.append(extents: map[...], stream: 1, isLast: isLast) }
  }

  func sendData(_ offset: UInt64, _ count: Int, to kit: KitSession) throws {
    let frame = DataFrame(offset: offset, length: UInt32(count), place: .inline)
    kit.host.lend(-1, as: kit.host.sequence)
    try kit.host.send(inline: [UInt8](repeating: 1, count: count)) {
      $0.append(frame, stream: 1, masks: Span())
    }
  }

  func sendZero(_ offset: UInt64, _ length: UInt64, _ kind: Extent.Kind, to kit: KitSession) throws
  {
    try kit.host.send {
      $0.append(ZeroFrame(offset: offset, length: length, kind: kind), stream: 1)
    }
  }

  @Test func `arrive whole, however they are cut`() throws {
    let kit = try start()
    try send(Array(good.prefix(1)), isLast: false, to: kit)
    try send([], isLast: false, to: kit)
    try send(Array(good.dropFirst()), to: kit)
    try kit.host.send { $0.appendOpen(stream: 1) }
    try sendData(0, 65536, to: kit)
    try sendZero(65536, 65536, .hole, to: kit)
    try sendZero(131_072, 131_072, .zero, to: kit)
    try sendData(262_144, 37856, to: kit)
    try kit.host.send { $0.append(CloseFrame(logicalLength: 300_000, digest: .none), stream: 1) }
    try kit.host.write(.config(2, "c", [1]), digest: .none)
    _ = try kit.host.finish()
    #expect(kit.end() == 0)
    let seen = seenMaps.withLock { $0 }
    #expect(
      seen == ["1 0+65536:data 65536+65536:hole 131072+65536:zero 196608+103392:data"])
  }

  @Test(arguments: [
    "a gap", "an end too early", "an end too late", "a second map", "data before it",
    "data in a hole", "a hole in data", "zeros in a hole", "data over the edge", "after OPEN",
  ])
  func `are held against each other and the data`(fault: String) throws {
    let kit = try start()
    var code = ErrorCode.protocol
    switch fault {
    case "a gap": try send([good[0], good[2]], isLast: false, to: kit)
    case "an end too early": try send(Array(good.prefix(3)), to: kit)
    case "an end too late":
      let long = Extent(offset: 196_608, length: 131_072, kind: .data)
      try send(good.dropLast() + [long], to: kit)
    case "data before it":
      code = .state
      try kit.host.send { $0.appendOpen(stream: 1) }
    case "a second map":
      code = .state
      try send(good, to: kit)
      try send(good, to: kit)
    case "after OPEN":
      code = .state
      try send(good, to: kit)
      try kit.host.send { $0.appendOpen(stream: 1) }
      try kit.host.send { $0.append(extents: [], stream: 2, isLast: true) }
    default:
      try send(good, to: kit)
      try kit.host.send { $0.appendOpen(stream: 1) }
      switch fault {
      case "data over the edge": try sendData(0, 131_072, to: kit)
      case "a hole in data": try sendZero(0, 65536, .hole, to: kit)
      default:
        try sendData(0, 65536, to: kit)
        if fault == "data in a hole" { try sendData(65536, 65536, to: kit) }
        if fault == "zeros in a hole" { try sendZero(65536, 65536, .zero, to: kit) }
      }
    }
    #expect(try kit.host.awaitError().code == code)
    #expect(kit.end() == 1)
  }

  @Test func `are not asked for by writers that do not want them`() throws {
    let kit = try start(wantsMap: false)
    try kit.host.write(.disk(1, "d", [UInt8](repeating: 1, count: 300_000)), digest: .none)
    try kit.host.write(.config(2, "c", [1]), digest: .none)
    _ = try kit.host.finish()
    #expect(kit.end() == 0)
  }
}
