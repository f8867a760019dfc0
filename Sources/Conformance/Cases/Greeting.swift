internal import BackupProtocol
internal import JSON
internal import PluginHost
internal import Sandbox
internal import SharedPool

extension ConformanceCase {
  /// HELLO, §4.2.
  static let greeting: [ConformanceCase] =
    soundGreetings + helloRows.map(\.asCase) + Limit.rows.map(\.asCase)

  private static let soundGreetings: [ConformanceCase] = [
    ConformanceCase(
      "core.hello", "4.2-1", "4.2-3", "2.3-4", "1.3-4", "17.4-1", "17.4-3",
      does: "sends HELLO with a feature and members of no meaning; expects HELLO_ACK",
      remedy: "answer with name and version of the manifest, and of the features with those alone "
        + "that you know and will use"
    ) { bench in try greet(bench) { _ in } },
    ConformanceCase(
      "core.version-newer", "4.2-2", "17.1-1",
      does: "offers the versions 99, 1 and 2; expects version 1",
      remedy: "choose 1 wherever it is in the list"
    ) { bench in try greet(bench) { $0.versions = [99, 1, 2] } },
    ConformanceCase(
      "core.version-none", "4.2-2",
      does: "offers version 2 alone; expects E_VERSION",
      remedy: "answer ERROR E_VERSION if 1 is not in the list"
    ) { bench in
      var setup = CaseSetup()
      setup.versions = [2]
      let host = try bench.startWriter(setup)
      try host.sendHello()
      try host.expectError([.version], "4.2-2")
    },
    ConformanceCase(
      "core.hello-require", "17.3-1",
      does: "requires members of HELLO that this version has; expects HELLO_ACK",
      remedy: "know the members of HELLO as names in `require`"
    ) { bench in try greet(bench) { $0.helloMembers = ["require": ["features", "limits"]] } },
    ConformanceCase(
      "core.hello-null", "1.3-5",
      does: "sends null for an optional limit; expects HELLO_ACK",
      remedy: "take null of an optional member for absent"
    ) { bench in
      try greet(bench) { $0.helloMembers = ["limits": ["max_frame": 1_114_112, "window": nil]] }
    },
    ConformanceCase(
      "core.features-many", "4.2-3", "16-1",
      does: "offers 256 features; expects those alone that are known",
      remedy: "take up to 256 names, and leave out what you do not know"
    ) { bench in try greet(bench) { $0.features = (0..<254).map { "x-check.\($0)" } } },
    ConformanceCase(
      "core.limits-least", "4.2-5",
      does: "offers the least pool, window and number of frames; expects HELLO_ACK",
      remedy: "take every value of a limit in the ranges of §4.2"
    ) { bench in
      try greet(bench) {
        $0.shape = PoolShape(slotCount: 4, slotBytes: 64 << 10)
        ($0.windowBytes, $0.inflight) = (256 << 10, 8)
      }
    },
    ConformanceCase(
      "core.limits-most", "4.2-5",
      does: "offers the largest pool, window and number of frames; expects HELLO_ACK",
      remedy: "take every value of a limit in the ranges of §4.2"
    ) { bench in
      try greet(bench) {
        $0.shape = PoolShape(slotCount: 256, slotBytes: 16 << 20)
        ($0.windowBytes, $0.inflight) = (4 << 30, 1024)
      }
    },
  ]

  private static func greet(
    _ bench: CaseBench, _ change: (inout CaseSetup) -> Void
  ) throws {
    var setup = CaseSetup()
    change(&setup)
    let host = try bench.startWriter(setup)
    do { try host.greet() } catch let refusal as Refusal {
      let isSmall = setup.shape.slotCount < bench.plugin.manifest.slotCountMin
      guard isSmall && refusal.error.code == .limit else { throw refusal }
      throw NotApplicable("its manifest needs more slots")
    }
    try host.closeInput()
    try host.expectEnd(.code(1), "13.3-1")
  }

  private static let helloRows: [Provocation] = [
    text("hello-array", "1.3-1", "an array in place of HELLO's object") { _ in "[1]" },
    text("hello-empty", "1.3-1", "HELLO without a payload") { _ in "" },
    text("hello-mark", "1.3-1", "HELLO with a byte order mark") { "\u{FEFF}" + $0 },
    text("hello-trailing", "1.3-2", "HELLO with bytes behind its object") { $0 + " x" },
    text("hello-twice", "1.3-2", "HELLO with a name that occurs twice") {
      "{\"versions\":[1]," + $0.dropFirst()
    },
    text("hello-deep", "1.3-2", "HELLO with JSON 17 deep") {
      $0.dropLast() + ",\"x\":" + String(repeating: "[", count: 16)
        + String(repeating: "]", count: 16) + "}"
    },
    text("hello-nul", "1.3-2", "HELLO with the character U+0000") {
      $0.dropLast() + ",\"x\":\"\\u0000\"}"
    },
    Provocation("hello-utf8", "1.3-2", .start, "HELLO that is not UTF-8") { host in
      let text = JSONValue.object(host.helloObject).text.dropLast() + ",\"x\":\""
      _ = host.queue { $0.append(.hello) { $0 += Array(text.utf8) + [0xC3, 0x28, 0x22, 0x7D] } }
    },
    text("hello-fraction", "1.3-3", "HELLO with 4.0 slots") {
      $0.replacing("\"slots\":4", with: "\"slots\":4.0")
    },
    Provocation("hello-type", "1.3-5", .start, "HELLO with a text for a number") { host in
      host.queueHello { $0["limits"] = ["max_frame": 1_114_112, "window": "many"] }
    },
    Provocation(
      "hello-require-unknown", "17.3-1", .start, "HELLO that requires an unknown member",
      [.unsupported]
    ) { host in host.queueHello { $0["require"] = ["teleport"] } },
    Provocation("hello-flags", "1.2-2", .start, "HELLO with an undefined flag") { host in
      _ = host.queue {
        $0.append(.hello, flags: 2) { [object = host.helloObject] in
          $0 += JSONValue.object(object).serialised()
        }
      }
    },
    Provocation("hello-stream", "3.2-4", .start, "HELLO with a stream") { host in
      _ = host.queue {
        $0.append(.hello, stream: 1) { [object = host.helloObject] in
          $0 += JSONValue.object(object).serialised()
        }
      }
    },
    Provocation("hello-seq", "3.2-2", .start, "HELLO with the number 1") { host in
      _ = host.queue {
        $0.put(UInt32(1), at: 8 + 12)
      } _: {
        $0.append(.hello, host.helloObject)
      }
    },
    Provocation(
      "hello-long", "3.2-1", .start, "the header of a HELLO of 262145 bytes", [.limit],
      isHeaderOnly: true
    ) { host in
      _ = host.queue {
        $0.put(UInt32(262_145), at: 8)
      } _: {
        $0.append(.hello) { _ in }
      }
    },
  ]

  /// A HELLO that is not what its object says.
  private static func text(
    _ id: String, _ clause: String, _ what: String,
    _ change: @escaping @Sendable (String) -> String
  ) -> Provocation {
    Provocation(id, clause, .start, what) { host in
      host.queueControl(.hello, change(JSONValue.object(host.helloObject).text))
    }
  }

  /// A limit of HELLO outside its range.
  private struct Limit: Sendable {
    let id: String
    let member: String
    let value: JSONValue

    static let rows: [Provocation] = [
      Limit(id: "slots-few", member: "slots", value: 3),
      Limit(id: "slots-many", member: "slots", value: 257),
      Limit(id: "slot-size-small", member: "slot_size", value: 32768),
      Limit(id: "slot-size-odd", member: "slot_size", value: 65537),
      Limit(id: "slot-size-large", member: "slot_size", value: 33_554_432),
      Limit(id: "window-small", member: "window", value: 262_143),
      Limit(id: "inflight-few", member: "inflight", value: 7),
      Limit(id: "inflight-many", member: "inflight", value: 1025),
      Limit(id: "max-frame-small", member: "max_frame", value: 1_114_111),
    ].map { limit in
      Provocation(
        "hello-" + limit.id, "1.3-5", .start, "HELLO with `\(limit.member)` \(limit.value.text)",
        [.protocol, .limit]
      ) { host in
        host.queueHello { hello in
          let group = limit.member.hasPrefix("slot") ? "pool" : "limits"
          guard var members = hello[group]?.object else { return }
          members[limit.member] = limit.value
          hello[group] = .object(members)
        }
      }
    }
  }
}
