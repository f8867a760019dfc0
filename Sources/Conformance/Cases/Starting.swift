internal import BackupProtocol
internal import JSON
internal import PluginHost
internal import Sandbox
internal import System

extension ConformanceCase {
  /// How a plugin is started, §2 and §3.1.
  static let starting: [ConformanceCase] = [
    ConformanceCase(
      "core.info", "2.2-2", "2.3-3",
      does: "starts it with SLUICE_PROTOCOL=info; expects the manifest's JSON and exit 0",
      remedy: "print the manifest file to channel 1, nothing else anywhere, and exit 0"
    ) { bench in try checkInfo(bench) },
    ConformanceCase(
      "core.by-hand", "2.2-3",
      does: "starts it without SLUICE_PROTOCOL; expects words on channel 2 and exit 2",
      remedy: "say on channel 2 that this is a plugin of a Sluice host, and exit 2"
    ) { bench in try checkByHand(bench, []) },
    ConformanceCase(
      "core.other-protocol", "2.2-3",
      does: "starts it with SLUICE_PROTOCOL=2; expects words on channel 2 and exit 2",
      remedy: "treat any value but 1 and info as none"
    ) { bench in try checkByHand(bench, ["SLUICE_PROTOCOL=2"]) },
    ConformanceCase(
      "core.preamble", "3.1-1",
      does: "sends text in place of the preamble, and HELLO; expects no HELLO_ACK and no exit 0",
      remedy: "compare the first eight bytes and read no frames if they differ"
    ) { bench in try checkPreamble(bench) },
    ConformanceCase(
      "core.speaks-second", "3.1-2", "13.3-1",
      does: "sends the preamble and the end of input; expects no frame and exit 1",
      remedy: "send nothing but the preamble before HELLO has come"
    ) { bench in
      let host = try bench.startWriter()
      host.queue(bytes: Limits.preamble)
      try host.closeInput()
      try host.expectEnd(.code(1), "3.1-2")
    },
  ]

  private static func checkInfo(_ bench: CaseBench) throws {
    let host = try bench.startWriterOrAny(variables: ["SLUICE_PROTOCOL=info"])
    try host.closeInput()
    try host.expectEnd(.code(0), "2.2-2")
    let file = try readSmallFile(bench.plugin.manifestPath, limit: Manifest.byteCountMax)
    guard var printed = (try? JSONValue(parsing: host.texts[0]))?.object,
      var manifest = (try? JSONValue(parsing: file))?.object
    else { throw Fault("2.2-2", "what it prints to channel 1 is not one JSON object") }
    // Who packs a plugin decides where its program lies.
    (printed["executable"], manifest["executable"]) = (nil, nil)
    guard JSONValue.object(printed).isSame(as: .object(manifest)) else {
      throw Fault("2.3-3", "what it prints is not the manifest \(bench.plugin.manifestPath)")
    }
    guard host.texts[1].isEmpty else {
      throw Fault("2.2-2", "it also writes to channel 2: \(sanitised(host.texts[1].prefix(100)))")
    }
  }

  private static func checkByHand(_ bench: CaseBench, _ variables: [String]) throws {
    let host = try bench.startWriterOrAny(variables: variables)
    try host.closeInput()
    _ = try host.drain()
    guard host.plugin.end == .code(2) else { throw Fault("2.2-3", "\(host.endText)") }
    guard !host.texts[1].isEmpty else { throw Fault("2.2-3", "says nothing on channel 2") }
    guard host.takeReceived() == nil else { throw Fault("2.2-3", "speaks the protocol") }
  }

  private static func checkPreamble(_ bench: CaseBench) throws {
    let host = try bench.startWriter()
    // In place of the real one, and as long.
    _ = host.queue { bytes in
      for place in 0..<8 { bytes[place] = Array("GET / HT".utf8)[place] }
    } _: {
      $0.append(.hello, host.helloObject)
    }
    host.probe()
    try host.closeInput()
    _ = try host.drain()
    if host.plugin.end == .code(0) { throw Fault("3.1-1", "exited with status 0") }
    while let frame = host.takeReceived() {
      guard frame.type != .helloAck else { throw Fault("3.1-1", "answered HELLO all the same") }
      if frame.type == .error, let code = frame.payload.first, code == 2 {
        throw Fault("3.1-1", "read the frames behind it")
      }
    }
  }
}

extension CaseBench {
  /// The plugin with another environment: whatever its formats can do.
  func startWriterOrAny(variables: [String]) throws -> CaseHost {
    var setup = CaseSetup()
    setup.variables = variables
    setup.output = .directory
    return try startAnyway(setup)
  }
}

extension JSONValue {
  /// Whether two values mean the same: the order of members means nothing.
  func isSame(as other: JSONValue) -> Bool {
    switch (self, other) {
    case (.object(let a), .object(let b)):
      return a.members.count == b.members.count
        && a.members.allSatisfy { member in
          b[member.name].map { member.value.isSame(as: $0) } ?? false
        }
    case (.array(let a), .array(let b)):
      return a.count == b.count && zip(a, b).allSatisfy { $0.isSame(as: $1) }
    default: return self == other
    }
  }
}
