internal import BackupProtocol
internal import SharedPool

extension ConformanceCase {
  /// Feature `shm` in write mode, §9. The host overwrites each slot once it is released.
  static let sharedMemory: [ConformanceCase] =
    [
      shared(
        "shared-memory.archive", "9.2-3", "4.7-6", scope: .output, slots: 4, bytes: 1 << 20,
        does: "writes an archive through a pool of 4 slots, and overwrites what is released"),
      shared(
        "shared-memory.small-slots", "9.1-2", slots: 4, bytes: 64 << 10,
        does: "writes an archive through a pool of 4 slots of 64 KiB"),
      shared(
        "shared-memory.large-slots", "9.1-2", slots: 4, bytes: 16 << 20,
        does: "writes an archive through a pool of 4 slots of 16 MiB"),
      shared(
        "shared-memory.many-slots", "9.1-2", slots: 256, bytes: 64 << 10,
        does: "writes an archive through a pool of 256 slots of 64 KiB"),
      shared(
        "shared-memory.largest-pool", "9.1-2", "4.2-5", slots: 256, bytes: 16 << 20,
        does: "writes an archive through a pool of 256 slots of 16 MiB"),
      shared(
        "shared-memory.mixed", "17.2-2", slots: 4, bytes: 64 << 10,
        does: "sends every other DATA inline although `shm` is in use"
      ) { $1.inlineEvery = 2 },
      shared(
        "shared-memory.grease", "17.4-3", slots: 4, bytes: 256 << 10,
        does: "puts frames without meaning between all others"
      ) { setup, _ in setup.isGreasing = true },
      shared(
        "shared-memory.no-masks", "4.7-3", slots: 4, bytes: 1 << 20,
        does: "sends all clusters in slots, without masks"
      ) { ($1.hasMasks, $1.zeroKind) = (false, nil) },
      shared(
        "shared-memory.masks", "4.7-1", "4.7-2", slots: 4, bytes: 1 << 20,
        does: "sends all clusters in slots with masks, those of zeros with mask 0"
      ) { $1.zeroKind = nil },
      ConformanceCase(
        "shared-memory.keeps-half", "8.2-2",
        does: "fills all 4 slots and sends nothing more; expects that at most 2 are kept",
        remedy: "release older DATA without waiting for further input; copy what you must keep"
      ) { bench in try keepsHalf(bench, isShared: true) },
      ConformanceCase(
        "shared-memory.unsealed", "9.1-2",
        does: "gives a pool without seals; expects E_PROTOCOL, or that `shm` is declined",
        remedy: "check both seals with fcntl(F_GET_SEALS) before HELLO_ACK"
      ) { bench in try refusesPool(bench) { $0.isPoolSealed = false } },
      ConformanceCase(
        "shared-memory.short-pool", "9.1-2",
        does: "gives a pool that is smaller than HELLO says; expects that it is not used",
        remedy: "check the size with fstat before HELLO_ACK"
      ) { bench in try refusesPool(bench) { $0.poolBytes = 4 << 20 - 4096 } },
    ] + slotRows

  private static func shared(
    _ id: String, _ clauses: String..., scope: ConformanceCase.Scope = .format, slots: Int,
    bytes: Int, does: String,
    _ change: @escaping @Sendable (inout CaseSetup, inout WritingStyle) -> Void = { _, _ in }
  ) -> ConformanceCase {
    ConformanceCase(
      id: id, clauses: clauses, scope: scope, does: does,
      remedy: "read a slot between its DATA and your RELEASE, and never after"
    ) { bench in
      try roundTrip(bench) { setup, style in
        setup.hasPool = true
        setup.shape = PoolShape(slotCount: slots, slotBytes: bytes)
        setup.inflight = UInt32(max(8, min(slots, 64)))
        style.pieceBytes = min(bytes, 1 << 20)
        change(&setup, &style)
      }
    }
  }

  private static func refusesPool(
    _ bench: CaseBench, _ change: (inout CaseSetup) -> Void
  ) throws {
    try requireShared(bench)
    var setup = CaseSetup()
    setup.hasPool = true
    change(&setup)
    let host = try bench.startWriter(setup)
    try host.sendHello()
    do {
      let ack = try host.takeHelloAck()
      guard !ack.accepts(.sharedMemory) else {
        throw Fault("9.1-2", "accepts `shm` with a pool that may shrink under it")
      }
    } catch let refusal as Refusal where refusal.error.code == .protocol {}
  }

  /// Whether the plugin has the feature at all.
  static func requireShared(_ bench: CaseBench) throws {
    var setup = CaseSetup()
    setup.hasPool = true
    let host = try bench.startWriter(setup)
    try host.greet()
    try bench.require(host.isShared, "the plugin does not accept shm")
  }

  private static let slotRows: [ConformanceCase] = [
    slot("index", "4.7", "a slot that the pool does not have", [.protocol, .limit]) { host in
      host.queueSlot(DataFrame(offset: 0, length: 65536, place: .slot(4)))
    },
    slot("length", "4.7-5", "more bytes than a slot has", [.protocol, .limit]) { host in
      host.queueSlot(DataFrame(offset: 0, length: 1 << 17, place: .slot(0)))
    },
    slot("bytes", "3.3-1", "bytes behind a DATA in a slot", [.protocol]) { host in
      host.queueSlot(DataFrame(offset: 0, length: 65536, place: .slot(0)), more: 8)
    },
  ]

  private static func slot(
    _ id: String, _ clause: String, _ what: String, _ codes: [ErrorCode],
    _ send: @escaping @Sendable (CaseHost) -> Void
  ) -> ConformanceCase {
    ConformanceCase(
      "shared-memory.slot-" + id, clause, does: "sends \(what); expects E_PROTOCOL",
      remedy: "hold index and length against the pool of HELLO before you touch memory"
    ) { bench in
      var setup = CaseSetup()
      setup.hasPool = true
      setup.shape = PoolShape(slotCount: 4, slotBytes: 64 << 10)
      let host = try bench.startWriter(setup)
      try host.reach(.active)
      try bench.require(host.isShared, "the plugin does not accept shm")
      send(host)
      host.probe()
      try host.expectError(codes, clause)
    }
  }
}

extension CaseHost {
  fileprivate func queueSlot(_ frame: DataFrame, more: Int = 0) {
    let extra = [UInt8](repeating: 0, count: more)
    let (id, masks) = (activeStream.stream.id, [BlockMask]())
    _ = queue(inline: extra[...]) {
      if more > 0 { $0.patchLength(by: more) }
    } _: {
      $0.append(frame, stream: id, masks: masks.span)
    }
  }
}
