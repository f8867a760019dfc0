internal import BackupProtocol
internal import JSON

extension ConformanceCase {
  /// JOB in write mode, §4.3.
  static let jobs: [ConformanceCase] =
    soundJobs + (jobRows + streamRows + jsonRows).map(\.asCase) + optionCases

  private static let soundJobs: [ConformanceCase] = [
    sound(
      "job-members", "1.3-4", "4.3-3",
      "sends JOB with a machine of unknown words, null and unknown members",
      "take what you do not know for unknown, and refuse no job for it"
    ) {
      [
        "machine": [
          "name": "check", "board": "z99", "firmware": ["kind": "efi", "later": 1],
          "disks": [["bus": "warp", "stream": "check-disk", "later": [1]]],
          "controllers": [["bus": "warp", "index": 3]], "nics": [["model": "later"]],
          "memory": nil,
        ], "level": nil, "parent": nil, "salvage": nil,
      ]
    },
    sound(
      "job-bare", "1.3-5", "4.3-1", "sends JOB without its optional members",
      "do without `instant`, `vm`, `options` and `machine`"
    ) { ["instant": nil, "vm": nil, "options": nil] },
    sound(
      "job-require", "17.3-1", "4.3-1", "requires members of JOB that this version has",
      "know the members of JOB as names in `require`"
    ) { ["require": ["streams", "mode"]] },
    ConformanceCase(
      "core.job-role", "1.3-4", "6.1",
      does: "sends JOB with a role that nobody knows; expects JOB_ACK",
      remedy: "store a stream of an unknown role like any other of its kind"
    ) { bench in
      let host = try bench.startWriter()
      try host.greet()
      var contents = bench.contents
      contents[0].stream.role = "of-tomorrow"
      try host.start(contents)
    },
  ]

  private static func sound(
    _ id: String, _ clauses: String..., members: @escaping @Sendable () -> JSONObject
  ) -> ConformanceCase {
    ConformanceCase(
      id: "core." + id, clauses: Array(clauses.dropLast(2)),
      does: clauses[clauses.count - 2] + "; expects JOB_ACK", remedy: clauses[clauses.count - 1]
    ) { bench in
      var setup = CaseSetup()
      setup.jobMembers = members()
      let host = try bench.startWriter(setup)
      try host.greet()
      try host.start(bench.contents)
    }
  }

  /// What a JOB that contradicts itself is refused with.
  private static let bad: [ErrorCode] = [.protocol, .badJob, .unsupported]

  private static let jobRows: [Provocation] = [
    job("mode", "4.3-3", "a mode that there is not") { $0["mode"] = "restore" },
    job("format", "4.3-3", "another plugin's format") { $0["format"] = "no-such-format" },
    job("streams-absent", "1.3-5", "no `streams`") { $0["streams"] = nil },
    job("output-kind", "4.3-3", "a kind of output that there is not") {
      $0["output"] = ["fd": 6, "kind": "tape"]
    },
    job("salvage", "4.3-6", "`salvage` in write mode") { $0["salvage"] = true },
    job("options-type", "1.3-5", "`options` that are a list", bad + [.badOption]) {
      $0["options"] = ["sha256sums"]
    },
    job("machine-type", "4.3-5", "a machine of −1 bytes of memory") {
      $0["machine"] = ["memory": -1]
    },
    job("level-alone", "6.4-1", "the level incremental without a parent") {
      $0["level"] = "incremental"
    },
    job("parent-alone", "6.4-1", "a parent at the level full") {
      $0["parent"] = ["job": "j0", "instant": "2026-01-30T20:00:00Z", "streams": [:]]
    },
    Provocation(
      "job-require-unknown", "17.3-1", .greeted, "JOB that requires an unknown member",
      [.unsupported]
    ) { host in host.queueJob { $0["require"] = ["teleport"] } },
    Provocation(
      "option-unknown", "4.3-3", .greeted, "JOB with an option that the manifest does not have",
      [.badOption]
    ) { host in host.queueJob { $0["options"] = ["no-such-option": 1] } },
    Provocation("job-flags", "1.2-2", .greeted, "JOB with an undefined flag") { host in
      host.queueControl(.job, JSONValue.object(host.jobObject(host.bench.contents)).text, flags: 1)
    },
    Provocation("job-twice", "4.3-1", .ready, "a second JOB", [.state]) { host in
      host.queueJob { _ in }
    },
  ]

  private static func job(
    _ id: String, _ clause: String, _ what: String, _ codes: [ErrorCode] = bad,
    _ change: @escaping @Sendable (inout JSONObject) -> Void
  ) -> Provocation {
    Provocation("job-" + id, clause, .greeted, "JOB with \(what)", codes) { $0.queueJob(change) }
  }

  private static let streamRows: [Provocation] = [
    stream("id-zero", "3.2-4", "the id 0") { $0["id"] = 0 },
    stream("id-large", "6.1-1", "the id 1025", bad + [.limit]) { $0["id"] = 1025 },
    stream("kind", "4.3-3", "a kind that there is not") { $0["kind"] = "tape" },
    stream("size-negative", "1.3-5", "the size −1") { $0["size"] = -1 },
    stream("size-large", "16-1", "the size 2^53", bad + [.limit, .tooLarge]) {
      $0["size"] = 9_007_199_254_740_992
    },
    stream("size-null", "6.1", "no size, of a configuration") { $0["size"] = nil as JSONValue? },
    stream("role", "1.4-3", "the role \"A b\"") { $0["role"] = "A b" },
    stream("name-slash", "1.4-1", "a name with a slash") { $0["name"] = "a/check" },
    stream("name-dot", "1.4-1", "a name that begins with a dot") { $0["name"] = ".check" },
    stream("name-control", "1.4-1", "a name with an escape") { $0["name"] = "a\u{1B}[2J" },
    stream("name-empty", "1.4-1", "an empty name") { $0["name"] = "" },
    stream("name-long", "1.4-1", "a name of 256 bytes", bad + [.limit]) {
      $0["name"] = .string(String(repeating: "n", count: 256))
    },
    twice("id-twice", "two streams of one id", id: 1, name: "other"),
    twice("name-twice", "two streams of one name", id: 7, name: "Ange\u{301}"),
    Provocation(
      "streams-many", "6.1-1", .greeted, "JOB with 1025 streams", bad + [.limit]
    ) { host in
      host.queueJob { job in
        job["streams"] = .array(
          (1...1025).map {
            ["id": JSONValue($0), "kind": "config", "name": .string("c\($0)"), "size": 1]
          })
      }
    },
  ]

  private static func stream(
    _ id: String, _ clause: String, _ what: String, _ codes: [ErrorCode] = bad,
    _ change: @escaping @Sendable (inout JSONObject) -> Void
  ) -> Provocation {
    Provocation("stream-" + id, clause, .greeted, "JOB with a stream with \(what)", codes) {
      $0.queueStream(change)
    }
  }

  /// The first stream is called Angé in two characters; another one joins it.
  private static func twice(
    _ id: String, _ what: String, id number: Int, name: String
  ) -> Provocation {
    Provocation("stream-" + id, "1.4-2", .greeted, "JOB with \(what)", bad) { host in
      host.queueJob { job in
        guard var streams = job["streams"]?.array, var first = streams.first?.object else { return }
        first["name"] = "Ange\u{301}"
        streams[0] = .object(first)
        first["id"] = JSONValue(number)
        first["name"] = .string(name)
        streams.insert(.object(first), at: 1)
        job["streams"] = .array(streams)
      }
    }
  }

  private static let jsonRows: [Provocation] = [
    Provocation("job-array", "1.3-1", .greeted, "an array in place of JOB's object") { host in
      host.queueControl(.job, "[]")
    },
    Provocation("job-syntax", "1.3-1", .greeted, "JOB that is no JSON") { host in
      host.queueControl(.job, "{\"mode\":\"write\"")
    },
    Provocation("job-name-twice", "1.3-2", .greeted, "JOB with a name that occurs twice") { host in
      host.queueControl(.job, host.jobObject(host.bench.contents), adding: "\"mode\":\"write\"")
    },
    Provocation("job-deep", "1.3-2", .greeted, "JOB with JSON 17 deep") { host in
      let deep = String(repeating: "[", count: 16) + String(repeating: "]", count: 16)
      host.queueControl(.job, host.jobObject(host.bench.contents), adding: "\"x\":" + deep)
    },
    Provocation("open-array", "4.6-1", .ready, "OPEN with an array") { host in
      host.queueControl(.open, "[]", stream: host.bench.contents[0].stream.id)
    },
  ]
}
