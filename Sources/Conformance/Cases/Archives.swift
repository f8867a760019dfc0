internal import BackupProtocol
internal import JSON
internal import Sandbox
internal import SharedPool

extension ConformanceCase {
  /// Whole archives, however the host sends them; what is read back must be what was sent.
  static let archives: [ConformanceCase] = [
    ConformanceCase(
      "core.archive", "6.3-2", "6.3-3", "4.4-1", "4.11-1", "9.1-3", "14.1-2", "14.1-5", "14.2",
      scope: .output,
      does: "writes an archive, inline, without masks, with holes; reads it back",
      remedy: "store what DATA and ZERO say, release each DATA, announce what was made"
    ) { bench in try roundTrip(bench) { _, style in style.hasMasks = false } },
    ConformanceCase(
      "core.grease", "17.4-3", "3.4-1", scope: .output,
      does: "puts frames without meaning, with any flags and streams, between all others",
      remedy: "skip unknown frames with bit 15, whatever their flags and stream; count their number"
    ) { bench in try roundTrip(bench) { setup, _ in setup.isGreasing = true } },
    ConformanceCase(
      "core.cuts", "3.2-3", "2.1-3",
      does: "sends an archive one byte at a time",
      remedy: "read on until a frame is whole; a read may return any number of bytes"
    ) { bench in
      try roundTrip(bench, Content.fitting(bench)) { setup, _ in setup.isCut = true }
    },
    ConformanceCase(
      "core.glued", "3.2-3",
      does: "sends all frames of an archive at once",
      remedy: "handle all frames that one read returns before you read again"
    ) { bench in try glued(bench) },
    ConformanceCase(
      "core.no-masks", "4.7-3", scope: .format,
      does: "sends all clusters as DATA without masks",
      remedy: "take nmask 0 for a claim of nothing: all bytes may be data"
    ) { bench in
      try roundTrip(bench) { _, style in (style.hasMasks, style.zeroKind) = (false, nil) }
    },
    ConformanceCase(
      "core.masks", "4.7-1", "4.7-2", "4.7-3", scope: .format,
      does: "sends all clusters as DATA with masks, those of zeros with mask 0",
      remedy: "a mask's bit 1 means data, the lowest bit the first block; mask 0 is allowed"
    ) { bench in try roundTrip(bench) { _, style in style.zeroKind = nil } },
    ConformanceCase(
      "core.zeros", "4.8-1", scope: .format,
      does: "sends zeros as ZERO of kind zero",
      remedy: "treat kind 0 as zeros"
    ) { bench in try roundTrip(bench) { _, style in style.zeroKind = .zero } },
    ConformanceCase(
      "core.clusters", "8.1-1", scope: .format,
      does: "sends DATA of one cluster each, with the least window and number of frames",
      remedy: "release DATA without waiting for more than half of what may be under way"
    ) { bench in
      try roundTrip(bench) { setup, style in
        (setup.windowBytes, setup.inflight, style.pieceBytes) = (256 << 10, 8, 65536)
        setup.shape = PoolShape(slotCount: 4, slotBytes: 64 << 10)
      }
    },
    ConformanceCase(
      "core.no-digest", "6.2-5", scope: .format,
      does: "sends CLOSE without digests",
      remedy: "do without a digest in CLOSE"
    ) { bench in try roundTrip(bench) { _, style in style.hasDigest = false } },
    ConformanceCase(
      "core.largest-data", "16-1", "4.7-5",
      does: "sends one DATA of 1110016 bytes",
      remedy: "take inline DATA of up to 1110016 bytes"
    ) { bench in
      try roundTrip(bench, [.disk(1, "check-disk", Bytes.noise(1_110_016, seed: 5))]) { _, style in
        style.pieceBytes = 1_110_016
      }
    },
    ConformanceCase(
      "core.keeps-half", "8.2-2", "8.2-1",
      does: "sends 6 of 8 DATA and then nothing; expects that at most 4 are kept",
      remedy: "release older DATA without waiting for further input; copy what you must keep"
    ) { bench in try keepsHalf(bench, isShared: false) },
    ConformanceCase(
      "core.slow-host", "2.1-3", "8.1-4", scope: .output,
      does: "reads and writes a little at a time, through pipes of 4 KiB, an archive's pipe too",
      remedy: "wait in write until the host takes what you say"
    ) { bench in
      try roundTrip(bench, Content.fitting(bench)) { setup, _ in setup.isSlow = true }
    },
  ]

  /// Writes, looks at what is there, reads back.
  static func roundTrip(
    _ bench: CaseBench, _ contents: [Content]? = nil,
    _ change: (inout CaseSetup, inout WritingStyle) -> Void = { _, _ in }
  ) throws {
    var (setup, style) = (CaseSetup(), WritingStyle())
    change(&setup, &style)
    let archive: CaseArchive
    do {
      archive = try bench.write(contents ?? bench.contents, setup, style)
    } catch let refusal as Refusal where contents != nil && refusal.isOfFormat {
      throw NotApplicable("the format refuses it: \(refusal.error.message)")
    }
    var reading = CaseSetup()
    (reading.mode, reading.isGreasing) = (.read, setup.isGreasing)
    try bench.expectContents(archive, reading)
  }

  private static func glued(_ bench: CaseBench) throws {
    let contents = Content.fitting(bench)
    let host = try bench.startWriter()
    try host.greet()
    try host.start(contents)
    host.isHolding = true
    try host.sendMaps(contents, WritingStyle())
    for content in contents { try host.write(content) }
    try host.send { $0.append(.finish, [:]) }
    host.machine.sentFinish()
    try host.flush()
    let finished = try host.takeFinished()
    let archive = host.archive(contents)
    try ArtefactLook(archive).check(finished)
    try bench.expectContents(archive)
  }

  /// The last stream's clusters as DATA, as many as there may be but two.
  static func keepsHalf(_ bench: CaseBench, isShared: Bool) throws {
    var setup = CaseSetup()
    setup.hasPool = isShared
    setup.shape = PoolShape(slotCount: isShared ? 4 : 256, slotBytes: 64 << 10)
    (setup.windowBytes, setup.inflight) = (512 << 10, 8)
    let host = try bench.startWriter(setup)
    try host.reach(.active)
    if isShared { try bench.require(host.isShared, "the plugin does not accept shm") }
    let content = host.activeStream
    let count = min(isShared ? 4 : 6, content.bytes.count / 65536)
    let kept = isShared ? 2 : 4
    try bench.require(count > kept, "the format takes no stream that is long enough")
    for cluster in 0..<count {
      let range = cluster * 65536..<(cluster + 1) * 65536
      try host.sendData(content, range, WritingStyle(), isInline: !isShared)
    }
    while host.lent.count > kept { try host.await(.release, "8.2-2") }
    try host.closeInput()
    try host.expectEnd(.code(1), "13.3-1")
  }
}
