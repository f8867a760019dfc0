internal import BackupProtocol

extension ConformanceCase {
  /// Feature `map`, §11, and `checkpoint`, §12.
  static let maps: [ConformanceCase] = sound + malformed

  private static let sound: [ConformanceCase] = [
    ConformanceCase(
      "core.map", "11-3", "4.1-2", scope: .format,
      does: "sends maps with many extents in frames of one each; expects the archive right",
      remedy: "put the extents of a stream together up to the frame with bit 0 of its flags"
    ) { bench in try sendPieces(bench) },
    ConformanceCase(
      "core.checkpoint", "12-1", "12-2", scope: .format,
      does: "sends CHECKPOINT between DATA; expects CHECKPOINT_ACK with its id",
      remedy: "answer each CHECKPOINT with its id when all before it is handled"
    ) { bench in try checkpoint(bench) },
  ]

  private static let malformed: [ConformanceCase] = [
    row("gap", "4.14-2", "a map with a gap") { [0, 65536, 131_072, $0 - 131_072] },
    row("overlap", "4.14-2", "a map that tells a range twice") { [0, 131_072, 65536, $0] },
    row("offset", "4.14-1", "a map that begins at byte 512") { [512, $0 - 512] },
    row("empty", "4.14-1", "a map with an extent of no bytes") { [0, 0, 0, $0] },
    row("beyond", "11-2", "a map beyond the disk's end") { [0, $0 + 65536] },
    row("short", "11-2", "a map that ends too early") { [0, $0 / 65536 * 65536 - 65536] },
    row("kind", "1.2-2", "an extent of kind 4", kind: 4) { [0, $0] },
    row("reserved", "1.2-2", "an extent with a reserved field other than 0", reserved: 1) {
      [0, $0]
    },
    row("flags", "4.1-2", "EXTENTS with an undefined flag", flags: 3) { [0, $0] },
    outside("data-in-hole", "DATA where the map has a hole", .hole) { $0.queueData() },
    outside("hole-in-data", "a hole where the map has data", .data) {
      $0.queuePayload(.zero, .zero(0, 65536, 1))
    },
  ]

  /// A plugin that has accepted the map, after JOB_ACK, and its last stream, a disk.
  private static func mapped(_ bench: CaseBench) throws -> (host: CaseHost, disk: Content) {
    guard let disk = bench.contents.last, disk.stream.kind == .disk else {
      throw NotApplicable("the format takes no disks")
    }
    var setup = CaseSetup()
    setup.features = ["map"]
    let host = try bench.startWriter(setup)
    try host.greet()
    try bench.require(host.accepted.contains("map"), "the plugin does not accept map")
    try host.start(bench.contents)
    return (host, disk)
  }

  /// - Parameter entries: Offset and length of each extent, one after the other.
  private static func row(
    _ id: String, _ clause: String, _ what: String, kind: UInt32 = 0, reserved: UInt32 = 0,
    flags: UInt16 = 1,
    _ entries: @escaping @Sendable (UInt64) -> [UInt64]
  ) -> ConformanceCase {
    ConformanceCase(
      "core.map-" + id, clause, does: "sends \(what); expects E_PROTOCOL",
      remedy: "check that the extents of a disk tile it"
    ) { bench in
      let (host, disk) = try mapped(bench)
      var payload: [UInt8] = []
      let entries = entries(disk.length)
      for place in stride(from: 0, to: entries.count, by: 2) {
        payload.add(entries[place])
        payload.add(entries[place + 1])
        payload.add(kind)
        payload.add(reserved)
      }
      host.queuePayload(.extents, payload, flags: flags, stream: disk.stream.id)
      host.probe()
      try host.expectError([.protocol], clause)
    }
  }

  private static func outside(
    _ id: String, _ what: String, _ kind: Extent.Kind,
    _ send: @escaping @Sendable (CaseHost) -> Void
  ) -> ConformanceCase {
    ConformanceCase(
      "core.map-" + id, "11-3", does: "sends \(what); expects E_PROTOCOL",
      remedy: "hold DATA and ZERO against the map"
    ) { bench in
      let (host, disk) = try mapped(bench)
      for content in bench.contents where content.stream.kind == .disk {
        let map = [Extent(offset: 0, length: content.length, kind: kind)]
        try host.sendMap(map, of: content.stream.id)
      }
      for content in bench.contents.dropLast() { try host.write(content) }
      try host.send { $0.appendOpen(stream: disk.stream.id) }
      send(host)
      host.probe()
      try host.expectError([.protocol], "11-3")
    }
  }

  private static func sendPieces(_ bench: CaseBench) throws {
    let host = try mapped(bench).host
    for content in bench.contents where content.stream.kind == .disk {
      let map = content.map(WritingStyle())
      for place in map.indices {
        let isLast = place == map.count - 1
        try host.send {
          $0.append(extents: map[place...place], stream: content.stream.id, isLast: isLast)
        }
      }
    }
    for content in bench.contents { try host.write(content) }
    let finished = try host.finish()
    let archive = host.archive(bench.contents)
    try ArtefactLook(archive).check(finished)
    try bench.expectContents(archive, clause: "11-3")
  }

  private static func checkpoint(_ bench: CaseBench) throws {
    var setup = CaseSetup()
    setup.features = ["checkpoint"]
    let host = try bench.startWriter(setup)
    try host.greet()
    try bench.require(host.accepted.contains("checkpoint"), "the plugin does not accept checkpoint")
    try host.start(bench.contents)
    try host.sendMaps(bench.contents, WritingStyle())
    for (number, content) in bench.contents.enumerated() {
      try host.write(content)
      let id = UInt64(number * 7 + 1)
      try host.send { $0.append(CheckpointFrame(id: id)) }
      let frame = try host.await(.checkpointAck, "12-2")
      let ack = try Bytes.parse(frame.payload) { payload throws(WireError) in
        try CheckpointAckFrame(parsing: payload)
      }
      guard ack.id == id else { throw Fault("12-2", "answers \(ack.id) to CHECKPOINT \(id)") }
    }
    try host.finish()
  }
}
