internal import BackupProtocol

extension ConformanceCase {
  /// The state of a running machine, which is a stream of bytes and no disk: §6.1.
  static let machineState: [ConformanceCase] = [
    ConformanceCase(
      "core.vmstate", "6.1-3", "6.1-2", scope: .format,
      does: "writes the state of a machine beside the rest, of an odd size, with zeros in it; "
        + "expects every byte back, or a refusal if the format's `streams` do not list it",
      remedy: "keep it to the byte if the manifest lists vmstate; answer E_UNSUPPORTED if not"
    ) { bench in
      guard bench.format.streams.contains(.vmstate) else { return try expectRefused(bench) }
      try expectKept(bench, WritingStyle())
      var style = WritingStyle()
      (style.hasMasks, style.zeroKind) = (false, nil)
      try expectKept(bench, style)
    },
    ConformanceCase(
      "core.size-unknown", "6.1", scope: .format,
      does: "writes a VM state of unknown size; expects it back, or refused",
      remedy: "take a stream of kind vmstate whose size is null, or refuse it with E_UNSUPPORTED"
    ) { bench in
      var state = state(id: 1)
      state.stream.size = nil
      try roundTrip(bench, [state])
    },
  ]

  private static func state(id: UInt32) -> Content {
    let bytes = Content.mixture(clusters: 5, tail: 77)
    return Content(
      StreamDescription(
        id: id, kind: .vmstate, name: "vmstate", role: "vmstate", size: UInt64(bytes.count)), bytes)
  }

  /// The state after what else the format takes.
  private static func contents(_ bench: CaseBench) -> [Content] {
    bench.contents + [state(id: 1000)]
  }

  private static func expectKept(_ bench: CaseBench, _ style: WritingStyle) throws {
    do {
      try bench.expectContents(try bench.write(contents(bench), CaseSetup(), style))
    } catch let refusal as Refusal where refusal.isOfFormat {
      throw Fault("6.1-3", "its manifest lists vmstate, and it refuses: \(refusal.error.message)")
    }
  }

  private static func expectRefused(_ bench: CaseBench) throws {
    let host = try bench.startWriter()
    try host.greet()
    _ = host.queue { $0.append(.job, host.jobObject(contents(bench))) }
    host.probe()
    _ = try host.expectError([.unsupported], "6.1-2")
  }
}
