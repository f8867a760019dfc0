internal import BackupProtocol
internal import JSON
internal import Sandbox
internal import System

extension ConformanceCase {
  /// Jobs at the edges: sizes, counts, names.
  static let edges: [ConformanceCase] = [
    ConformanceCase(
      "core.sizes", "6.2-3", "6.2-4", "4.9-1", scope: .format,
      does: "writes disks of 0, 1, 511 … 1048577 bytes; expects each back, or refused",
      remedy: "store any size to the byte, or refuse it in answer to JOB"
    ) { bench in try trySizes(bench) },
    ConformanceCase(
      "core.layouts", "6.2-3", scope: .format,
      does: "writes disks on which data, holes and equal clusters alternate; expects each back",
      remedy: "keep every range at its own place, however short it is, and the first one too"
    ) { bench in try tryLayouts(bench) },
    ConformanceCase(
      "core.streams-none", "6.1-1",
      does: "writes an archive without streams; expects it back, or refused",
      remedy: "take a job without streams, or refuse it in answer to JOB"
    ) { bench in try roundTrip(bench, []) },
    ConformanceCase(
      "core.streams-most", "6.1-1", scope: .format,
      does: "writes 1024 streams; expects them back, or refused",
      remedy: "take 1024 streams, or refuse them in answer to JOB"
    ) { bench in
      try roundTrip(
        bench, (1...1024).map { .config(UInt32($0), "stream-\($0)", Array("\($0)".utf8)) })
    },
    ConformanceCase(
      "core.ids", "3.2-4", scope: .format,
      does: "writes streams with the ids 1024 and 1, in this order",
      remedy: "tell streams by their ids, whatever order these are in"
    ) { bench in
      var contents = Content.fitting(bench)
      for place in contents.indices { contents[place].stream.id = place == 0 ? 1024 : 1 }
      try roundTrip(bench, contents)
    },
    ConformanceCase(
      "core.names", "1.4-1", scope: .format,
      does: "writes streams with names in other scripts, of 255 bytes and odd characters",
      remedy: "keep names as they are, or refuse those that the format cannot hold"
    ) { bench in try tryNames(bench) },
    ConformanceCase(
      "core.names-normal", "1.4-2", scope: .format,
      does: "sends JOB with two names that are one in NFC; expects a refusal, or a sound archive",
      remedy: "refuse such names, or make artefacts whose names differ"
    ) { bench in
      var contents = Content.fitting(bench)
      contents[0].stream.name = "Ange\u{301}"
      contents.insert(contents[0], at: 1)
      (contents[1].stream.id, contents[1].stream.name) = (7, "Ang\u{E9}")
      do { _ = try bench.write(contents) } catch let refusal as Refusal {
        guard refusal.awaited == "JOB_ACK" else { throw refusal }
      }
    },
    ConformanceCase(
      "core.huge-hole", "13.2", "13.2-4", scope: .output,
      does: "writes a disk that is one hole of 8 TiB; after two seconds sends ABORT",
      remedy: "look for ABORT or the end of input once a second, also inside a ZERO of terabytes"
    ) { bench in try tryHugeHole(bench) },
  ]

  private static let sizes = [
    0, 1, 511, 512, 513, 4095, 4096, 65535, 65536, 65537, 66048, 1_048_575, 1_048_576, 1_048_577,
    1_049_088,
  ]

  private static func trySizes(_ bench: CaseBench) throws {
    var isTaken = false
    var refusal: Refusal?
    for size in sizes {
      let bytes = Bytes.noise(size, seed: UInt64(size) + 3)
      var contents = bench.contents.dropLast() + [Content.disk(1000, "check-disk", bytes)]
      if let first = contents.first, contents.count > 1 { contents = [first, contents.last!] }
      do {
        try bench.expectContents(try bench.write(Array(contents)))
        isTaken = true
      } catch let found as Refusal where found.isOfFormat && found.awaited == "JOB_ACK" {
        refusal = found
      } catch let fault as Fault {
        throw Fault(fault.clause, "a disk of \(size) bytes: \(fault.message)")
      }
    }
    if !isTaken, let refusal { throw NotApplicable("all refused: \(refusal.error.message)") }
  }

  private static func tryLayouts(_ bench: CaseBench) throws {
    for seed in 1...6 {
      let bytes = Content.layout(clusters: 40, seed: UInt64(seed))
      let contents = Array(bench.contents.dropLast() + [.disk(1000, "check-disk", bytes)])
      do { try bench.expectContents(try bench.write(contents)) } catch let fault as Fault {
        throw Fault(fault.clause, "a disk of short ranges: \(fault.message)")
      }
    }
  }

  private static let names = [
    "Größe", "数据盘", "диск-0", "a b", "-rf", "~", "a.b..c", "%41", "\"q\"", "a\\b", "e\u{301}",
    String(repeating: "n", count: 200), String(repeating: "n", count: 255),
  ]

  private static func tryNames(_ bench: CaseBench) throws {
    var isTaken = false
    for name in names {
      var contents = Content.fitting(bench)
      contents[0].stream.name = name
      do {
        try bench.expectContents(try bench.write(contents), clause: "1.4-1")
        isTaken = true
      } catch let refusal as Refusal where refusal.isOfFormat && refusal.awaited == "JOB_ACK" {
        continue
      } catch let fault as Fault {
        throw Fault(fault.clause, "the name \"\(name.prefix(20))\": \(fault.message)")
      }
    }
    try bench.require(isTaken, "the format refuses all of these names")
  }

  private static func tryHugeHole(_ bench: CaseBench) throws {
    var content = Content.disk(1, "check-disk", [])
    content.holeBytes = 8 << 40
    content.stream.size = content.holeBytes
    let host = try bench.startWriter()
    try host.greet()
    do { try host.start([content]) } catch let refusal as Refusal where refusal.isOfFormat {
      throw NotApplicable("the format refuses it: \(refusal.error.message)")
    }
    try host.sendMaps([content], WritingStyle())
    try host.write(content)
    try host.send { $0.append(.finish, [:]) }
    host.machine.sentFinish()
    let deadline = MonotonicTime.now.advanced(bySeconds: 2)
    while MonotonicTime.now < deadline {
      try host.turn(seconds: max(0, deadline.seconds(since: .now)))
      guard let frame = host.takeReceived() else { continue }
      try host.admit(frame)
      if frame.type == .error { try host.takeError(frame, awaited: "FINISHED") }
      guard frame.type == .finished else { continue }
      try host.closeInput()
      return try host.expectEnd(.code(0), "6.3-3")
    }
    try expectAborted(host)
  }

  /// The ladder of protocol.md §13.2: ABORT, a second later the end of input, and 14 s.
  private static func expectAborted(_ host: CaseHost) throws {
    try host.abort()
    let deadline = MonotonicTime.now.advanced(bySeconds: 1)
    while MonotonicTime.now < deadline, host.plugin.end == nil {
      try host.turn(seconds: max(0, deadline.seconds(since: .now)))
    }
    host.plugin.toPlugin = nil
    guard try host.drain(seconds: 14) else {
      throw Fault("13.2", "goes on 14 s after ABORT and the end of its input")
    }
    let ends = host.plugin.end
    // FINISHED may have crossed the ABORT.
    guard ends == .code(1) || ends == .code(0) else { throw Fault("13.2", host.endText) }
  }
}
