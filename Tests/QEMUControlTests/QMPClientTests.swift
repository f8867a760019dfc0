import CommandLine
import Glibc
import JSON
import QEMUControl
import System
import Testing

@Suite(.alone, .enabled(if: Emulator.isThere, Emulator.missing)) struct QMPClientTests {
  @Test func `a client is greeted and asks`() async throws {
    let emulator = try await Emulator(["-name", "alpha"])
    let client = try await emulator.connect()
    #expect(try await client.execute("query-name")["name"] == "alpha")
    #expect(try await client.execute("query-status")["status"] == "prelaunch")
    #expect(client.process == emulator.pid)
  }

  @Test func `the longest answer of QEMU comes whole`() async throws {
    let emulator = try await Emulator()
    let client = try await emulator.connect()
    let schema = try await client.execute("query-qmp-schema")
    #expect(schema.serialised().count > 100_000)
    #expect(QMPSchema(schema).hasCommand("query-qmp-schema"))
  }

  @Test func `nobody listening is told with the kernel's answer`() async throws {
    let files = try Scratch()
    let missing = files.path("missing")
    #expect(
      await failure { () throws(QMPError) in try await QMPClient.connect(path: missing) }
        == .cannotConnect(path: missing, code: ENOENT))
    let long = "/tmp/" + String(repeating: "x", count: 110)
    #expect(
      await failure { () throws(QMPError) in try await QMPClient.connect(path: long) }
        == .cannotConnect(path: long, code: ENAMETOOLONG))
  }

  @Test func `a second client on one socket hears nothing and is told so in time`() async throws {
    let emulator = try await Emulator()
    let first = try await emulator.connect()
    let path = emulator.path()
    // The kernel keeps a few who knock before it turns the next ones away: all hear the same.
    for _ in 0..<4 {
      let started = MonotonicTime.now
      let error = await failure { () throws(QMPError) in
        try await QMPClient.connect(path: path, greetingSeconds: 0.3)
      }
      #expect(error == .occupied(path: path, seconds: 0.3))
      #expect(MonotonicTime.now.seconds(since: started) < 2)
    }
    #expect(try await first.execute("query-status")["status"] == "prelaunch")
  }

  @Test func `a socket is free again when its client is gone`() async throws {
    let emulator = try await Emulator()
    do { _ = try await emulator.connect() }
    let next = try await emulator.connect()
    #expect(try await next.execute("query-status")["status"] == "prelaunch")
  }

  @Test func `two sockets serve two clients, and both hear what one of them does`() async throws {
    let emulator = try await Emulator(monitors: 2)
    let (first, second) = (try await emulator.connect(0), try await emulator.connect(1))
    let streams = [first.events(), first.events(), second.events()]
    _ = try await first.execute("cont")
    _ = try await first.execute("stop")
    for stream in streams {
      var names: [String] = []
      for await event in stream {
        names.append(event.name)
        #expect(event.seconds > 1_600_000_000)
        if event.name == "STOP" { break }
      }
      #expect(names.contains("RESUME") && names.last == "STOP")
    }
  }

  @Test func `QEMU's refusals come with class and words`() async throws {
    let emulator = try await Emulator()
    let client = try await emulator.connect()
    let unknown = await failure { () throws(QMPError) in try await client.execute("no-such-thing") }
    guard case .refused("no-such-thing", "CommandNotFound", let words) = unknown else {
      Issue.record("\(String(describing: unknown))")
      return
    }
    #expect(words.contains("no-such-thing"))
    let missing = await failure { () throws(QMPError) in
      try await client.execute("blockdev-del", ["node-name": "nobody"])
    }
    guard case .refused("blockdev-del", "GenericError", _) = missing else {
      Issue.record("\(String(describing: missing))")
      return
    }
    #expect(try await client.execute("query-status")["status"] == "prelaunch")
  }

  @Test func `a hundred commands in flight get their own answers`() async throws {
    let emulator = try await Emulator()
    let client = try await emulator.connect()
    for number in 0..<100 {
      _ = try await client.execute(
        "object-add",
        ["qom-type": "throttle-group", "id": .string("g\(number)"), "limits": ["iops-total": 1000]])
    }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<100 {
        group.addTask {
          let name = try await client.execute(
            "qom-get", ["path": .string("/objects/g\(number)"), "property": "limits"])
          return name["iops-total"] == 1000
        }
        group.addTask {
          let error = await failure { () throws(QMPError) in
            try await client.execute(
              "qom-get", ["path": .string("/objects/h\(number)"), "property": "x"])
          }
          guard case .refused(_, _, let words) = error else { return false }
          return words.contains("/objects/h\(number)'")
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }

  @Test func `descriptors go along with their own commands`() async throws {
    let emulator = try await Emulator(prepare: "for n in $(seq 20); do truncate -s ${n}M f$n; done")
    let client = try await emulator.connect()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...20 {
        group.addTask {
          let file = try openFile(emulator.files.path("f\(number)"), flags: O_RDWR)
          let answer = try await client.execute(
            "add-fd", ["fdset-id": .integer(Int64(number)), "opaque": .string("sluice-\(number)")],
            passing: file.raw)
          #expect(answer["fdset-id"] == .integer(Int64(number)))
        }
      }
      try await group.waitForAll()
    }
    let sets = try await client.execute("query-fdsets").array ?? []
    #expect(sets.count == 20)
    for number in 1...20 {
      _ = try await client.execute(
        "blockdev-add",
        [
          "driver": "file", "node-name": .string("n\(number)"),
          "filename": .string("/dev/fdset/\(number)"),
        ])
    }
    let nodes = try await client.execute("query-named-block-nodes", ["flat": true]).array ?? []
    for number in 1...20 {
      let node = nodes.first { $0["node-name"]?.string == "n\(number)" }
      #expect(node?["image"]?["virtual-size"] == .integer(Int64(number) << 20))
    }
  }
}
