import CommandLine
import Glibc
import JSON
import QEMUControl
import System
import Testing

@Suite(.alone, .enabled(if: Emulator.isThere, Emulator.missing)) struct QMPFaultTests {
  @Test func `a QEMU that stands still costs the command's time, and its late answer nothing`()
    async throws
  {
    let emulator = try await Emulator(["-name", "alpha"])
    let client = try await emulator.connect()
    emulator.send(SIGSTOP)
    let started = MonotonicTime.now
    let error = await failure { () throws(QMPError) in
      try await client.execute("query-name", seconds: 0.4)
    }
    #expect(error == .notInTime(command: "query-name", seconds: 0.4))
    #expect((0.39..<2).contains(MonotonicTime.now.seconds(since: started)))
    emulator.send(SIGCONT)
    #expect(try await client.execute("query-status")["status"] == "prelaunch")
    #expect(try await client.execute("query-name")["name"] == "alpha")
  }

  @Test func `commands that a stuck QEMU does not even read are bounded too, and not done later`()
    async throws
  {
    let emulator = try await Emulator()
    let client = try await emulator.connect()
    emulator.send(SIGSTOP)
    let filler = JSONValue.string(String(repeating: "x", count: 1 << 18))
    let started = MonotonicTime.now
    await withTaskGroup(of: QMPError?.self) { group in
      for number in 0..<8 {
        group.addTask {
          await failure { () throws(QMPError) in
            try await client.execute(
              "object-add",
              ["qom-type": "throttle-group", "id": .string("g\(number)"), "no-such": filler],
              seconds: 0.5)
          }
        }
      }
      for await error in group {
        #expect(error == .notInTime(command: "object-add", seconds: 0.5))
      }
    }
    #expect(MonotonicTime.now.seconds(since: started) < 3)
    let late = await failure { () throws(QMPError) in
      try await client.execute("object-add", ["qom-type": "iothread", "id": "late"], seconds: 0.2)
    }
    #expect(late == .notInTime(command: "object-add", seconds: 0.2))
    emulator.send(SIGCONT)
    let objects = try await client.execute("qom-list", ["path": "/objects"]).array ?? []
    #expect(!objects.contains { $0["name"] == "late" })
  }

  @Test func `a QEMU that dies lets every waiting command fail, and every later one`()
    async throws
  {
    let emulator = try await Emulator()
    let client = try await emulator.connect()
    let events = client.events()
    emulator.send(SIGSTOP)
    try await withThrowingTaskGroup(of: QMPError?.self) { group in
      for _ in 0..<10 {
        group.addTask {
          await failure { () throws(QMPError) in try await client.execute("query-status") }
        }
      }
      try await Task.sleep(for: .milliseconds(200))
      emulator.send(SIGKILL)
      for try await error in group {
        #expect(error == .disconnected(doing: "query-status"))
      }
    }
    for await _ in events {}
    #expect(
      await failure { () throws(QMPError) in try await client.execute("query-name") }
        == .disconnected(doing: "query-name"))
    for await _ in client.events() { Issue.record("an event of a dead QEMU") }
  }

  @Test func `a QEMU that quits answers first`() async throws {
    let emulator = try await Emulator()
    let client = try await emulator.connect()
    let events = client.events()
    _ = try await client.execute("quit")
    var names: [String] = []
    for await event in events { names.append(event.name) }
    #expect(names == ["SHUTDOWN"])
    #expect(try await emulator.finding().status == 0)
  }

  @Test func `a closed client fails what waits, and leaves a duplicate usable`() async throws {
    let emulator = try await Emulator()
    let client = try await emulator.connect()
    let copy = OwnedDescriptor(adopting: dup(client.inheritableDescriptor))
    emulator.send(SIGSTOP)
    async let waiting = failure { () throws(QMPError) in
      try await client.execute("query-status")
    }
    try await Task.sleep(for: .milliseconds(100))
    client.close()
    #expect(await waiting == .disconnected(doing: "query-status"))
    emulator.send(SIGCONT)
    let heir = try QMPClient.takeOver(copy, idPrefix: "heir-")
    #expect(try await heir.execute("query-status")["status"] == "prelaunch")
  }

  @Test func `an heir goes on behind half a command, half an answer and foreign answers`()
    async throws
  {
    let emulator = try await Emulator(["-name", "alpha"])
    let client = try await emulator.connect()
    let copy = OwnedDescriptor(adopting: dup(client.inheritableDescriptor))
    client.close()
    // The dead owner asked twice, one more time by half, and read half of an answer.
    let rest =
      #"{"execute":"query-status","id":"sluice-7"}{"execute":"query-commands","id":"sluice-8"}"#
      + #"{"execute":"quit","argume"#
    try await Task.sleep(for: .milliseconds(100))
    _ = rest.withCString { write(copy.raw, $0, strlen($0)) }
    #expect(try await eventually { pending(copy.raw) > 100 })
    var half = [UInt8](repeating: 0, count: 100)
    #expect(read(copy.raw, &half, 50) == 50)
    let heir = try QMPClient.takeOver(copy, idPrefix: "heir-")
    #expect(try await heir.execute("query-name")["name"] == "alpha")
    #expect(try await heir.execute("query-status")["status"] == "prelaunch")
  }

  @Test func `whoever comes behind a client that died asking is greeted`() async throws {
    let emulator = try await Emulator(["-name", "alpha"])
    for round in 0..<20 {
      try await askAndDie(emulator, afterMilliseconds: round)
      #expect(try await name(emulator) == "alpha")
    }
  }

  /// Asks for a quarter of a MiB that nobody will read.
  private func askAndDie(_ emulator: Emulator, afterMilliseconds milliseconds: Int) async throws {
    let client = try await emulator.connect()
    let words = #"{"execute":"query-qmp-schema"}{"execute":"query-status"}"#
    _ = words.withCString { write(client.inheritableDescriptor, $0, strlen($0)) }
    try await Task.sleep(for: .milliseconds(milliseconds))
    withExtendedLifetime(client) {}
  }

  private func name(_ emulator: Emulator) async throws -> JSONValue? {
    try await emulator.connect().execute("query-name")["name"]
  }

  @Test func `a task that is cancelled gets its answer all the same`() async throws {
    let emulator = try await Emulator(["-name", "alpha"])
    let client = try await emulator.connect()
    let task = Task {
      try? await Task.sleep(for: .seconds(60))
      return try await client.execute("query-name")["name"]
    }
    task.cancel()
    #expect(try await task.value == "alpha")
  }

  private func pending(_ socket: Int32) -> Int32 {
    var count: Int32 = 0
    _ = ioctl(socket, UInt(FIONREAD), &count)
    return count
  }
}
