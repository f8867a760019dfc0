internal import BackupProtocol
internal import Sandbox
internal import SharedPool

extension ConformanceCase {
  /// Read and verify mode, §7.
  static let reading: [ConformanceCase] = [
    ConformanceCase(
      "read.streams", "7.2-1", "7.2-3", "7.2-9", "4.3-2", "7.4-1", "4.10-2", scope: .output,
      does: "reads all streams in the order of JOB_ACK, inline, releasing as late as possible",
      remedy: "answer each READ with OPEN, DATA and ZERO, CLOSE and READ_DONE"
    ) { bench in try readBack(bench, .read, .late) },
    ConformanceCase(
      "read.pool", "9.3-1", "4.7-6", "8.2-4", scope: .output,
      does: "reads all streams through a pool of 4 slots of 64 KiB, releasing late and in disorder",
      remedy: "lend a slot once until its RELEASE; out of credit, read channel 3"
    ) { bench in
      try readBack(bench, .read, .late) { setup in
        setup.hasPool = true
        setup.shape = PoolShape(slotCount: 4, slotBytes: 64 << 10)
      }
    },
    ConformanceCase(
      "read.window", "8.1-1", "8.1-3", scope: .format,
      does: "reads all streams with the least window and 8 DATA under way",
      remedy: "send what fits into the credit: a window of 256 KiB takes four clusters"
    ) { bench in
      try readBack(bench, .read, .late) { setup in
        (setup.windowBytes, setup.inflight) = (256 << 10, 8)
      }
    },
    ConformanceCase(
      "read.inflight", "8.1-1", scope: .format,
      does: "reads all streams through a pool of 32 slots, with 8 DATA under way",
      remedy: "have no more DATA unreleased than `inflight`, though slots are free"
    ) { bench in
      try readBack(bench, .read, .late) { setup in
        (setup.hasPool, setup.inflight) = (true, 8)
        setup.shape = PoolShape(slotCount: 32, slotBytes: 64 << 10)
      }
    },
    ConformanceCase(
      "read.large-slots", "9.3-1", scope: .format,
      does: "reads all streams through a pool of 4 slots of 16 MiB",
      remedy: "take the shape of the pool from HELLO"
    ) { bench in
      try readBack(bench, .read, .atOnce) { setup in
        setup.hasPool = true
        setup.shape = PoolShape(slotCount: 4, slotBytes: 16 << 20)
      }
    },
    ConformanceCase(
      "read.grease", "17.4-3", "3.4-1", scope: .format,
      does: "puts frames without meaning between all others",
      remedy: "skip unknown frames with bit 15, also while you wait for RELEASE"
    ) { bench in try readBack(bench, .read, .late) { $0.isGreasing = true } },
    ConformanceCase(
      "read.slow-host", "2.1-3", scope: .format,
      does: "takes and gives a little at a time, through pipes of 4 KiB",
      remedy: "wait in write until the host takes what you say"
    ) { bench in
      try readBack(bench, .read, .atOnce, small: true) { setup in setup.isSlow = true }
    },
    ConformanceCase(
      "read.verify", "7.3-1", "4.4-3", scope: .output,
      does: "verifies a sound archive; expects every byte and FINISHED",
      remedy: "check all that the format lets you check, and find nothing"
    ) { bench in
      try bench.require(bench.verifies, "the format has no verify mode")
      try readBack(bench, .verify, .atOnce)
    },
    ConformanceCase(
      "read.backwards", "7.2-7", scope: .format,
      does: "reads the streams in reverse, and the last one again; expects them, or E_UNSUPPORTED",
      remedy: "answer READs in any order, or those that would need to go back with E_UNSUPPORTED"
    ) { bench in try readBackwards(bench) },
    ConformanceCase(
      "read.list", "4.3-2", "7.4-1", scope: .format,
      does: "asks for the list of streams alone, and sends FINISH",
      remedy: "send FINISHED without artefacts, whatever was read"
    ) { bench in
      let host = try openedReader(bench).host
      try host.finish()
    },
    ConformanceCase(
      "read.unknown-stream", "7.2-5", "7.2-4", "4.5-1",
      does: "asks for a stream that there is not; expects READ_DONE with E_NOT_FOUND",
      remedy: "answer READ_DONE with E_NOT_FOUND, and go on"
    ) { bench in
      let (host, streams) = try openedReader(bench)
      let id = (1...1024).first { id in !streams.contains { $0.id == UInt32(id) } } ?? 1024
      let ghost = StreamDescription(
        id: UInt32(id), kind: .disk, name: "ghost", role: "disk", size: nil)
      let answer = try host.read(ghost)
      guard [.notFound, .limit].contains(answer.status) else {
        throw Fault("7.2-5", "READ_DONE has \(answer.status.name)")
      }
      if let stream = streams.first {
        guard try host.read(stream).status == .none else {
          throw Fault("7.2-4", "a READ after one that failed fails too")
        }
      }
      try host.finish()
    },
    ConformanceCase(
      "read.abort", "5.2-1", "13.2",
      does: "sends ABORT after JOB_ACK; expects ABORTED and exit 1",
      remedy: "answer ABORTED and exit 1"
    ) { bench in
      let host = try openedReader(bench).host
      try host.abort()
      try host.await(.aborted, "5.2-1")
      try host.closeInput()
      try host.expectEnd(.code(1), "5.2-1")
    },
    ConformanceCase(
      "read.eof", "13.3-1",
      does: "ends the input after JOB_ACK; expects exit 1 without a frame",
      remedy: "take the end of input before FINISHED for the host's death"
    ) { bench in
      let host = try openedReader(bench).host
      try host.closeInput()
      try host.expectEnd(.code(1), "13.3-1")
    },
    ConformanceCase(
      "read.eof-answering", "13.3-1", "8.2-4", scope: .format,
      does: "ends the input while the plugin has no credit left; expects exit 1",
      remedy: "read channel 3 when you are out of credit, and take its end for the host's death"
    ) { bench in try eofWithoutCredit(bench) },
    ConformanceCase(
      "read.states", "3.4-3", "5.2-1",
      does: "sends each frame that read mode does not allow after JOB_ACK; expects E_STATE",
      remedy: "answer a known frame that the state does not admit with E_STATE"
    ) { bench in
      let types: [FrameType] = [
        .hello, .job, .open, .data, .zero, .close, .extents, .finished, .readDone, .damaged,
      ]
      for type in types {
        let host = try openedReader(bench).host
        host.queueSample(type, stream: 1)
        host.probe()
        do { try host.expectError([.state], "3.4-3") } catch let fault as Fault {
          throw Fault(fault.clause, "\(type.name): \(fault.message)")
        }
      }
    },
    ConformanceCase(
      "read.release-unknown", "4.11-1",
      does: "releases a DATA that was never sent; expects E_PROTOCOL",
      remedy: "hold each number of a RELEASE against the DATA that are lent"
    ) { bench in
      let host = try openedReader(bench).host
      _ = host.queue { $0.appendRelease([4711].span) }
      host.probe()
      try host.expectError([.protocol], "4.11-1")
    },
    ConformanceCase(
      "read.malformed", "4.10-1", "3.3-1",
      does: "sends READs of 15 bytes, at byte 1, and of length 0; expects E_PROTOCOL",
      remedy: "check offset and length of a READ"
    ) { bench in
      let payloads: [[UInt8]] = [
        [UInt8](repeating: 0, count: 15), readPayload(1, 65536), readPayload(0, 0),
      ]
      for payload in payloads {
        let (host, streams) = try openedReader(bench)
        host.queuePayload(.read, payload, stream: streams.first?.id ?? 1)
        host.probe()
        try host.expectError([.protocol], payload.count == 16 ? "4.10-1" : "3.3-1")
      }
    },
    ConformanceCase(
      "read.range-unoffered", "4.2-4", "7.2-5",
      does: "asks for a range without `random-read`; expects READ_DONE with a status, or an ERROR",
      remedy: "refuse a range unless `random-read` is in use"
    ) { bench in
      let (host, streams) = try openedReader(bench)
      guard let stream = streams.first(where: { ($0.size ?? 0) > 65536 }) else {
        throw NotApplicable("no stream is long enough")
      }
      do {
        let answer = try host.read(stream, ReadFrame(offset: 0, length: 65536))
        if answer.status == .none { throw Fault("4.2-4", "answers a range") }
        try host.finish()
      } catch is Refusal {} catch let fault as Fault { throw Fault("4.2-4", fault.message) }
    },
  ]

  static func readPayload(_ offset: UInt64, _ length: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.add(offset)
    bytes.add(length)
    return bytes
  }

  /// A sound archive of the usual contents, and the plugin that has listed its streams.
  static func openedReader(
    _ bench: CaseBench, _ change: (inout CaseSetup) -> Void = { _ in }
  ) throws -> (host: CaseHost, streams: [StreamDescription]) {
    try bench.require(bench.reads, "the format has no read mode")
    let archive = try bench.write(bench.contents)
    var setup = CaseSetup()
    setup.mode = .read
    change(&setup)
    let host = try bench.startReader(archive, setup)
    try host.greet()
    return (host, try host.start([]).streams)
  }

  static func readBack(
    _ bench: CaseBench, _ mode: Job.Mode, _ policy: ReleasePolicy, small: Bool = false,
    _ change: (inout CaseSetup) -> Void = { _ in }
  ) throws {
    try bench.require(bench.reads || mode == .verify, "the format has no read mode")
    let archive = try bench.write(small ? Content.fitting(bench) : bench.contents)
    var setup = CaseSetup()
    setup.mode = mode
    change(&setup)
    let outcome = try bench.read(archive, setup, policy)
    try outcome.expect(archive.contents)
  }

  private static func readBackwards(_ bench: CaseBench) throws {
    let (host, streams) = try openedReader(bench)
    guard let last = streams.last else { throw NotApplicable("no streams") }
    for stream in streams.reversed() + [last] {
      let answer = try host.read(stream)
      guard [.none, .unsupported].contains(answer.status) else {
        throw Fault("7.2-7", "READ_DONE has \(answer.status.name) in place of E_UNSUPPORTED")
      }
      guard answer.status == .none else { continue }
      let content = bench.contents.first { $0.stream.name == stream.name }
      if let content { try answer.expect(content, "7.2-1") }
    }
    try host.finish()
  }

  private static func eofWithoutCredit(_ bench: CaseBench) throws {
    let (host, streams) = try openedReader(bench) { setup in
      (setup.windowBytes, setup.inflight) = (256 << 10, 8)
      setup.shape = PoolShape(slotCount: 4, slotBytes: 64 << 10)
    }
    guard let stream = streams.first(where: { ($0.size ?? 0) > 1 << 20 }) else {
      throw NotApplicable("no stream is long enough")
    }
    try host.send { $0.append(ReadFrame(), stream: stream.id) }
    // Nothing is released: it stops somewhere.
    while try host.turn(seconds: 0.2) {}
    try host.closeInput()
    while host.takeReceived() != nil {}
    guard try host.drain() else { throw Fault("13.3-1", "does not see the end of its input") }
    guard host.plugin.end == .code(1) else { throw Fault("13.3-1", host.endText) }
    while let frame = host.takeReceived() {
      if frame.type == .error || frame.type == .readDone {
        throw Fault("13.3-1", "sent \(frame.type.name) at the end of its input")
      }
    }
  }
}
