internal import BackupProtocol
internal import JSON
internal import SharedPool

extension ConformanceCase {
  /// Increments, §6.4 and §7.6.
  static let increments: [ConformanceCase] = [
    ConformanceCase(
      "increment.archive", "6.4-2", "7.2-8", scope: .output,
      does: "writes an increment with unchanged ranges, also the odd last cluster; reads it back",
      remedy: "store what is unchanged as such, and send it as ZERO of kind 2"
    ) { bench in try incrementTrip(bench, isShared: false) },
    ConformanceCase(
      "increment.pool", "6.4-2", "7.2-8", scope: .format,
      does: "the same through a pool of 4 slots",
      remedy: "store what is unchanged as such, and send it as ZERO of kind 2"
    ) { bench in try incrementTrip(bench, isShared: true) },
    ConformanceCase(
      "increment.other-sizes", "6.4-2", scope: .format,
      does: "writes increments of disks that have grown and shrunk, unchanged in whole clusters",
      remedy: "hold unchanged ranges against the parent's size alone"
    ) { bench in
      let size = try incrementSize(bench)
      for parent in [UInt64(size) + 3 * 65536, UInt64(4 * 65536)] {
        let content = increment(
          size,
          [
            (0, 2 * 65536, .unchanged), (2 * 65536, UInt64(size), .data),
          ])
        let archive = try bench.write([content], parent: lineage(content, parent))
        try bench.expectIncrement(archive)
      }
    },
    ConformanceCase(
      "increment.undeclared", "4.8-2", scope: .format,
      does: "sends JOB with an increment to a format that does not declare them; expects a refusal",
      remedy: "answer E_UNSUPPORTED"
    ) { bench in
      try bench.require(!bench.format.isIncremental, "the format declares increments")
      let size = try incrementSize(bench, declared: false)
      let content = increment(size, [(0, UInt64(size), .data)])
      let host = try bench.startWriter()
      try host.greet()
      _ = host.queue {
        $0.append(
          .job, host.jobObject([content], parent: lineage(content, UInt64(size))))
      }
      host.probe()
      try host.expectError([.unsupported], "4.8-2")
    },
    refused("beyond", "6.4-2", "an unchanged range beyond the parent's end") { size in
      (UInt64(2 * 65536), [.zero(0, 4 * 65536, 2)])
    },
    refused("tail", "6.4-2", "an unchanged last cluster of a parent that is longer") { size in
      let last = UInt64(size / 65536 * 65536)
      return (UInt64(size + 100), [.zero(0, last, 2), .zero(last, UInt64(size) - last, 2)])
    },
    ConformanceCase(
      "increment.no-parent", "6.4-1", scope: .format,
      does: "sends JOB with an incremental stream that the parent does not have",
      remedy: "refuse a stream with `incremental` that is not in `parent.streams`"
    ) { bench in
      let size = try incrementSize(bench)
      let content = increment(size, [(0, UInt64(size), .data)])
      var parent = lineage(content, UInt64(size))
      parent.streams = ["other": parent.streams[content.stream.name]!]
      let host = try bench.startWriter()
      try host.greet()
      _ = host.queue { $0.append(.job, host.jobObject([content], parent: parent)) }
      host.probe()
      try host.expectError([.protocol, .badJob], "6.4-1")
    },
  ]

  private static func incrementSize(_ bench: CaseBench, declared: Bool = true) throws -> Int {
    if declared {
      try bench.require(bench.format.isIncremental, "not declared")
    }
    return 9 * 65536 + 512
  }

  static func increment(
    _ size: Int, _ extents: [(UInt64, UInt64, Extent.Kind)]
  ) -> Content {
    var bytes = Bytes.noise(size, seed: 31)
    for (start, end, kind) in extents where kind != .data {
      Bytes.clear(&bytes, Int(start)..<Int(end))
    }
    var content = Content.disk(1, "check-disk", bytes)
    content.stream.isIncremental = true
    content.extents = extents.map { Extent(offset: $0.0, length: $0.1 - $0.0, kind: $0.2) }
    return content
  }

  /// A parent that has the disk, with that many bytes.
  static func lineage(_ content: Content, _ size: UInt64) -> ParentBackup {
    ParentBackup(
      job: "5d31c0aa5d31c0aa5d31c0aa5d31c0aa", instant: Timestamp("2026-01-30T20:00:00Z")!,
      location: "../parent",
      streams: [
        content.stream.name: ParentBackup.Stream(size: size, digest: Bytes.digest([1, 2, 3]))
      ])
  }

  private static func incrementTrip(_ bench: CaseBench, isShared: Bool) throws {
    let size = try incrementSize(bench)
    let end = UInt64(size)
    let content = increment(
      size,
      [
        (0, 65536, .unchanged), (65536, 3 * 65536, .data), (3 * 65536, 5 * 65536, .hole),
        (5 * 65536, 6 * 65536, .zero), (6 * 65536, 7 * 65536, .data), (7 * 65536, end, .unchanged),
      ])
    var setup = CaseSetup()
    setup.hasPool = isShared
    setup.shape = PoolShape(slotCount: 4, slotBytes: 64 << 10)
    var style = WritingStyle()
    style.pieceBytes = 65536
    let archive = try bench.write([content], setup, style, parent: lineage(content, end))
    try bench.expectIncrement(archive)
  }

  private static func refused(
    _ id: String, _ clause: String, _ what: String,
    _ frames: @escaping @Sendable (Int) -> (parent: UInt64, zeros: [[UInt8]])
  ) -> ConformanceCase {
    ConformanceCase(
      "increment." + id, clause, scope: .format, does: "sends \(what); expects E_PROTOCOL",
      remedy: "refuse unchanged bytes that the parent does not have"
    ) { bench in
      let size = try incrementSize(bench)
      let content = increment(size, [(0, UInt64(size), .data)])
      let (parent, zeros) = frames(size)
      let host = try bench.startWriter()
      try host.greet()
      try host.start([content], parent: lineage(content, parent))
      try host.send { $0.appendOpen(stream: content.stream.id) }
      for zero in zeros { host.queuePayload(.zero, zero, stream: content.stream.id) }
      host.probe()
      try host.expectError([.protocol], clause)
    }
  }
}

extension CaseBench {
  /// The increment is read back: its bytes, and what is unchanged where it was.
  func expectIncrement(_ archive: CaseArchive) throws {
    guard reads, let content = archive.contents.first else { return }
    var setup = CaseSetup()
    setup.mode = .read
    let outcome = try read(archive, setup)
    guard let answer = outcome.answers.first, answer.status == .none else {
      return try outcome.expect(archive.contents, clause: "7.2-8")
    }
    guard answer.stream.isIncremental else {
      throw Fault("7.2-8", "JOB_ACK does not mark the stream `incremental`")
    }
    let found = answer.extents.filter { $0.kind == .unchanged }
    let wanted = content.extents?.filter { $0.kind == .unchanged } ?? []
    guard found == wanted else {
      throw Fault("7.2-8", "what is unchanged is not what was unchanged: \(found.map(\.offset))")
    }
    try outcome.expect(archive.contents, clause: "7.2-8")
  }
}
