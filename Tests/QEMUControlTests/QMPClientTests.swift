import CommandLine
import Glibc
import JSON
import QEMUControl
import System
import Testing

@Suite(.inTurns, .enabled(if: Emulator.isThere, Emulator.missing)) struct QMPClientTests {
  @Test func `a client is greeted and asks`() async throws {
    let emulator = try await Emulator(["-name", "alpha"])
    let client = try await emulator.connect()
    #expect(try await client.execute("query-name")["name"] == "alpha")
    #expect(try await client.execute("query-status")["status"] == "prelaunch")
  }

  @Test func `a second client on one socket hears nothing and is told so in time`() async throws {
    let emulator = try await Emulator()
    let first = try await emulator.connect()
    let started = Instant.now
    let path = emulator.path()
    let error = await failure { () throws(QMPError) in
      try await QMPClient.connect(path: path, greetingSeconds: 0.5)
    }
    #expect(error == .occupied(path: path, seconds: 0.5) || Instant.now.seconds(since: started) < 2)
    #expect(Instant.now.seconds(since: started) < 2)
    #expect(try await first.execute("query-status")["status"] == "prelaunch")
  }
}
