import CLinux
import CommandLine
import Glibc
import JSON
import QEMUControl
import Synchronization
import System
import Testing

/// A scripted agent: real ones do not hang when they are asked to. The real one is asked where
/// there is a guest.
@Suite(.alone) struct GuestAgentTests {
  /// What an agent answers to a line, or `nil` for what it does not know.
  static func usual(_ line: String) -> [UInt8]? {
    if line.contains("guest-sync-delimited") {
      let number = line.drop { !$0.isNumber }.prefix { $0.isNumber }
      return [0xFF] + Array("{\"return\": \(number)}\n".utf8)
    }
    if line.contains("guest-fsfreeze-status") { return Array("{\"return\": \"thawed\"}\n".utf8) }
    if line.contains("guest-fsfreeze-freeze") { return Array("{\"return\": 2}\n".utf8) }
    if line.contains("guest-fsfreeze-thaw") { return Array("{\"return\": 3}\n".utf8) }
    return nil
  }

  private func fails<Value>(_ body: () async throws(AgentError) -> Value) async -> AgentError? {
    do throws(AgentError) {
      _ = try await body()
      return nil
    } catch {
      return error
    }
  }

  @Test func `an agent freezes and thaws`() async throws {
    let peer = try ScriptedPeer(answer: Self.usual)
    let agent = try await GuestAgent.connect(path: peer.path, seconds: 5)
    #expect(try await !agent.isFrozen(seconds: 5))
    #expect(try await agent.freeze(seconds: 5) == 2)
    #expect(try await agent.thaw(seconds: 5) == 3)
  }

  @Test func `what an agent said to others is thrown away`() async throws {
    let rest = "turn\": 1}\n{\"return\": 12345}\n{\"error\": {\"desc\": \"JSON parse error\"}}\n"
    let peer = try ScriptedPeer(first: Array(rest.utf8)) { line in
      line.contains("sync") ? Array("half of{".utf8) + (Self.usual(line) ?? []) : Self.usual(line)
    }
    let agent = try await GuestAgent.connect(path: peer.path, seconds: 5)
    #expect(try await agent.freeze(seconds: 5) == 2)
    #expect(peer.heard.withLock { $0.first } == 0xFF)
  }

  @Test func `a guest without agent costs the time that was given`() async throws {
    let peer = try ScriptedPeer()
    let path = peer.path
    let started = MonotonicTime.now
    let error = await fails { () throws(AgentError) in
      try await GuestAgent.connect(path: path, seconds: 0.4)
    }
    guard case .notInTime("guest-sync-delimited", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect((0.3..<2).contains(MonotonicTime.now.seconds(since: started)))
    let missing = path + "-missing"
    #expect(
      await fails { () throws(AgentError) in
        try await GuestAgent.connect(path: missing, seconds: 1)
      } == .cannotConnect(path: missing, code: ENOENT))
  }

  @Test func `no freeze is asked of an agent that does not answer`() async throws {
    let peer = try ScriptedPeer()
    let socket = try #require(try await connected(to: peer))
    let agent = try GuestAgent.takeOver(OwnedDescriptor(adopting: socket))
    let error = await fails { () throws(AgentError) in try await agent.freeze(seconds: 0.3) }
    guard case .notInTime("guest-sync-delimited", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(!peer.heardText.contains("freeze-freeze"))
  }

  @Test func `a freeze that hangs is followed by a thaw, and its late answer is nobody's`()
    async throws
  {
    let peer = try ScriptedPeer { line in
      if line.contains("freeze-freeze") { return [] }
      if line.contains("freeze-thaw") { return Array("{\"return\": 9}\n{\"return\": 9}\n".utf8) }
      return Self.usual(line)
    }
    let agent = try await GuestAgent.connect(path: peer.path, seconds: 5)
    let error = await fails { () throws(AgentError) in try await agent.freeze(seconds: 0.3) }
    guard case .notInTime("guest-fsfreeze-freeze", _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try await eventually { peer.heardText.contains("freeze-thaw") })
    #expect(try await !agent.isFrozen(seconds: 5))
  }

  @Test func `a thaw stays with an agent that does not answer now`() async throws {
    let peer = try ScriptedPeer()
    let socket = try #require(try await connected(to: peer))
    let agent = try GuestAgent.takeOver(OwnedDescriptor(adopting: socket))
    let error = await fails { () throws(AgentError) in try await agent.thaw(seconds: 0.3) }
    guard case .notInTime = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try await eventually { peer.heardText.contains("freeze-thaw") })
  }

  @Test func `a refusal comes with its words, and the next command works`() async throws {
    let peer = try ScriptedPeer { line in
      line.contains("freeze-freeze")
        ? Array(#"{"error":{"class":"GenericError","desc":"no"}}"#.utf8) + [10] : Self.usual(line)
    }
    let agent = try await GuestAgent.connect(path: peer.path, seconds: 5)
    #expect(
      await fails { () throws(AgentError) in try await agent.freeze(seconds: 5) }
        == .refused(command: "guest-fsfreeze-freeze", words: "no"))
    #expect(try await agent.thaw(seconds: 5) == 3)
  }

  @Test(arguments: ["{}\n", "garbage\n", "{\"return\": \"many\"}\n", "{\"return\": -1}\n"])
  func `an answer that is none leaves an agent that can be asked again`(
    words: String
  )
    async throws
  {
    let peer = try ScriptedPeer { line in
      line.contains("freeze-freeze") ? Array(words.utf8) : Self.usual(line)
    }
    let agent = try await GuestAgent.connect(path: peer.path, seconds: 5)
    let error = await fails { () throws(AgentError) in try await agent.freeze(seconds: 5) }
    guard case .protocolBroken = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try await eventually { peer.heardText.contains("freeze-thaw") })
    #expect(try await agent.thaw(seconds: 5) == 3)
  }

  @Test func `the answer to a thaw that nobody waits for is nobody's`() async throws {
    let owed = Mutex<[UInt8]>([])
    let peer = try ScriptedPeer { line in
      if line.contains("freeze-freeze") { return Array("{\"return\": \"many\"}\n".utf8) }
      let late = owed.withLock { owed in
        defer { owed = line.contains("freeze-thaw") ? Array("{\"return\": 3}\n".utf8) : [] }
        return owed
      }
      return late + (line.contains("freeze-thaw") ? [] : Self.usual(line) ?? [])
    }
    let agent = try await GuestAgent.connect(path: peer.path, seconds: 5)
    _ = await fails { () throws(AgentError) in try await agent.freeze(seconds: 5) }
    #expect(try await !agent.isFrozen(seconds: 5))
  }

  @Test func `a connection that ends during a freeze is told at once`() async throws {
    let peer = try ScriptedPeer { line in
      line.contains("freeze-freeze") ? nil : Self.usual(line)
    }
    let agent = try await GuestAgent.connect(path: peer.path, seconds: 5)
    #expect(
      await fails { () throws(AgentError) in try await agent.freeze(seconds: 20) }
        == .disconnected(doing: "guest-fsfreeze-freeze"))
    #expect(
      await fails { () throws(AgentError) in try await agent.thaw(seconds: 20) }
        == .disconnected(doing: "guest-fsfreeze-thaw"))
  }

  @Test func `an endless line of a guest is given up`() async throws {
    let flood = [UInt8](repeating: UInt8(ascii: "x"), count: 2 << 20)
    let peer = try ScriptedPeer { line in
      line.contains("status") ? flood : Self.usual(line)
    }
    let agent = try await GuestAgent.connect(path: peer.path, seconds: 5)
    let error = await fails { () throws(AgentError) in try await agent.isFrozen(seconds: 5) }
    #expect(error == .protocolBroken(what: "a line of more than 1048576 bytes"))
  }

  @Test func `one command at a time`() async throws {
    let peer = try ScriptedPeer { line in line.contains("status") ? [] : Self.usual(line) }
    let agent = try await GuestAgent.connect(path: peer.path, seconds: 5)
    async let first = fails { () throws(AgentError) in try await agent.isFrozen(seconds: 1) }
    #expect(try await eventually { peer.heardText.contains("status") })
    #expect(
      await fails { () throws(AgentError) in try await agent.thaw(seconds: 1) }
        == .busy(command: "guest-fsfreeze-thaw"))
    guard case .notInTime = await first else {
      Issue.record("a status without answer")
      return
    }
  }

  private func connected(to peer: ScriptedPeer) async throws -> Int32? {
    let socket = clinux_unix_connect(peer.path)
    return socket >= 0 ? socket : nil
  }
}
