import CommandLine
import JSON
import QEMUControl
import System
import Testing

/// Sockets of something else than QEMU.
@Suite(.inTurns) struct ForeignPeerTests {
  static let greeting = Array("{\"QMP\":{\"version\":{},\"capabilities\":[]}}\r\n".utf8)

  /// Answers like a QEMU whose every command succeeds, with more behind each answer.
  static func polite(_ more: [UInt8] = []) throws -> ScriptedPeer {
    try ScriptedPeer(first: greeting) { line in
      success(line) + (line.contains("qmp_capabilities") ? [] : more)
    }
  }

  private static func success(_ line: String) -> [UInt8] {
    let id = try? JSONValue(parsing: Array(line.utf8))["id"]
    return JSONValue.object(["return": [:], "id": id ?? .null]).serialised()
      + [UInt8(ascii: "\n")]
  }

  @Test(arguments: [
    "SSH-2.0-OpenSSH_9.2\r\n", "{\"return\": {}}\n", "[1, 2]\n", "\u{0}\u{1}\u{2}\n", "{}\n",
    "HTTP/1.1 400 Bad Request", "half a line\n{\"return\": 1}\nanother that is none\n",
  ])
  func `what does not greet like QEMU is told from it`(words: String) async throws {
    let peer = try ScriptedPeer(first: Array(words.utf8))
    let path = peer.path
    let error = await failure { () throws(QMPError) in
      try await QMPClient.connect(path: path, greetingSeconds: 0.5)
    }
    guard case .notQMP(path, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `what QEMU owed to the client before is passed over`() async throws {
    let owed = """
      k": "the rest of a line"}\r
      {"return": {}, "id": "sluice-1"}\r
      {"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 1}}\r

      """
    let peer = try ScriptedPeer(
      first: Array(owed.utf8) + Self.greeting, answer: { Self.success($0) })
    let client = try await QMPClient.connect(path: peer.path)
    #expect(try await client.execute("query-status") == [:])
  }

  @Test func `a peer that hangs up before it greets is a lost connection`() async throws {
    let peer = try ScriptedPeer(first: Self.greeting, answer: { _ in nil })
    let path = peer.path
    #expect(
      await failure { () throws(QMPError) in try await QMPClient.connect(path: path) }
        == .disconnected(doing: "qmp_capabilities"))
  }

  @Test func `a line without end is given up at its limit`() async throws {
    let flood = [UInt8](repeating: UInt8(ascii: "x"), count: 17 << 20)
    let early = try ScriptedPeer(first: flood)
    let path = early.path
    let error = await failure { () throws(QMPError) in try await QMPClient.connect(path: path) }
    guard case .notQMP = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    let late = try Self.polite(flood)
    let client = try await QMPClient.connect(path: late.path)
    _ = await failure { () throws(QMPError) in try await client.execute("query-status") }
    #expect(
      try await eventually {
        let error = await failure { () throws(QMPError) in try await client.execute("x") }
        guard case .protocolBroken = error else { return false }
        return true
      })
  }

  @Test(arguments: ["garbage\n", "{\"return\":\n", "{}\n", "[[[[[[[[[[[[\n", "null\n"])
  func `words that are no protocol end the connection`(words: String) async throws {
    let peer = try Self.polite(Array(words.utf8))
    let client = try await QMPClient.connect(path: peer.path)
    _ = await failure { () throws(QMPError) in try await client.execute("query-status") }
    #expect(
      try await eventually {
        let error = await failure { () throws(QMPError) in try await client.execute("x") }
        guard case .protocolBroken = error else { return false }
        return true
      })
  }

  @Test func `answers to nobody, empty lines and huge numbers do no harm`() async throws {
    let more = """
      \r

      {"return": 1, "id": "sluice-999"}
      {"return": 1}
      {"return": 1, "id": 7}
      {"error": {}, "id": "sluice-1"}
      {"event": "X", "data": [], "timestamp": {"seconds": -1, "microseconds": -1}}
      {"event": "Y", "data": {"size": 18446744073709551615}, "timestamp": 3}

      """
    let peer = try Self.polite(Array(more.utf8))
    let client = try await QMPClient.connect(path: peer.path)
    let events = client.events()
    for _ in 0..<3 { #expect(try await client.execute("query-status") == [:]) }
    client.close()
    var heard: [QMPEvent] = []
    for await event in events { heard.append(event) }
    #expect(heard.prefix(2).map(\.name) == ["X", "Y"])
    #expect(heard.first?.seconds == -1)
    #expect(heard.dropFirst().first?.data["size"] == .real(0x1p64))
  }

  @Test func `a subscriber that sleeps keeps the newest events and learns of the loss`()
    async throws
  {
    let burst = (0..<6000).map { "{\"event\":\"E\($0)\"}\n" }.joined()
    let peer = try Self.polite(Array(burst.utf8))
    let client = try await QMPClient.connect(path: peer.path)
    let events = client.events()
    _ = try await client.execute("query-status")
    _ = try await client.execute("query-status")
    client.close()
    // Its end has come when every event has.
    for await _ in client.events() {}
    var names: [String] = []
    for await event in events { names.append(event.name) }
    #expect(names.count == 4096)
    #expect(names.contains(QMPEvent.eventsLost))
  }

  @Test func `more commands than the table holds are turned away`() async throws {
    let peer = try ScriptedPeer(first: Self.greeting) { line in
      line.contains("qmp_capabilities") ? Self.success(line) : []
    }
    let client = try await QMPClient.connect(path: peer.path)
    let busy = await withTaskGroup(of: QMPError?.self) { group in
      for _ in 0..<1100 {
        group.addTask {
          await failure { () throws(QMPError) in try await client.execute("x", seconds: 3) }
        }
      }
      return await group.reduce(into: 0) { count, error in
        if error == .busy(command: "x", waiting: 1024) { count += 1 }
      }
    }
    #expect(busy == 1100 - 1024)
  }
}
