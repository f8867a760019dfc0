import CommandLine
import BackupProtocol
import CLinux
import Glibc
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

/// How far a job has come.
enum Stage: CaseIterable, Sendable {
  case greeted, started, opened, filled, closed, finished
}

@Suite(.inTurns) struct `A job that ends early` {
  let contents: [Content] = [
    .disk(1, "d", noise(2 << 20, seed: 1)), .config(2, "vm.conf", [1, 2, 3]),
  ]

  func prepare(_ place: Scratch, _ stage: Stage) throws -> PluginProcess {
    let plugin = try startWriter(place)
    let host = plugin.host
    if stage == .greeted { return plugin }
    try host.start(contents)
    if stage == .started { return plugin }
    try host.send { $0.appendOpen(stream: 1) }
    if stage == .opened { return plugin }
    try host.sendData(contents[0], 0..<(1 << 20), masks: true)
    if stage == .filled { return plugin }
    try host.sendData(contents[0], (1 << 20)..<(2 << 20), masks: true)
    try host.send { $0.append(CloseFrame(logicalLength: 2 << 20, digest: .none), stream: 1) }
    if stage == .closed { return plugin }
    try host.write(contents[1], digest: .none)
    try host.send { $0.append(.finish, [:]) }
    try host.await(.finished)
    #expect(try place.names() == ["SHA256SUMS", "d.raw", "manifest.json", "vm.conf"])
    return plugin
  }

  @Test(arguments: Stage.allCases)
  func `by ABORT leaves nothing behind`(stage: Stage) throws {
    let place = try Scratch()
    let plugin = try prepare(place, stage)
    try plugin.host.send { $0.append(.abort, Abort(reason: "a test").object) }
    // FINISHED was the plugin's last word: nothing follows it.
    if stage == .finished {
      #expect(throws: HostError.ended) { try plugin.host.receive() }
    } else {
      try plugin.host.await(.aborted)
    }
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  @Test(arguments: Stage.allCases.dropLast())
  func `by the host's death leaves nothing behind`(stage: Stage) throws {
    let place = try Scratch()
    let plugin = try prepare(place, stage)
    plugin.host.closeInput()
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
    while let frame = try? plugin.host.receive() { #expect(frame.type == .release) }
  }

  @Test(arguments: Stage.allCases)
  func `by an ERROR of the host leaves nothing behind`(stage: Stage) throws {
    let place = try Scratch()
    let plugin = try prepare(place, stage)
    try plugin.host.send { $0.append(ErrorFrame(code: .internal, message: "a test")) }
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  @Test func `in the middle of a frame leaves nothing behind`() throws {
    let place = try Scratch()
    let plugin = try prepare(place, .filled)
    try plugin.host.sendBytes([24, 0, 0, 0, 0x12, 0])
    plugin.host.closeInput()
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  static let isRoot = geteuid() == 0

  @Test(
    .enabled(if: isRoot, "mounting a small tmpfs needs root"), arguments: [true, false])
  func `on a full target says so`(isShared: Bool) throws {
    let place = try Scratch()
    let path = place.path("full")
    let mount = "mkdir \(path) && mount -t tmpfs -o size=1m none \(path)"
    try #require(try shell(mount) == .exit(0))
    defer { _ = try? shell("umount -l \(path)") }
    let target = try openFile(path, flags: O_RDONLY | O_DIRECTORY)
    let talk = Talk(isShared: isShared)
    let pool = isShared ? try SharedPool(talk.shape, name: "test") : nil
    let plugin = try PluginProcess(
      "sluice-writer-raw", target: target, pool: pool, shape: talk.shape)
    try plugin.host.greet()
    let disk = Content.disk(1, "d", noise(3 << 20, seed: 1))
    try plugin.host.start([disk])
    try? plugin.host.write(disk, digest: .none)
    let error = try plugin.host.awaitError()
    #expect(error.code == .noSpace && error.errnoName == "ENOSPC")
    #expect(
      error.message
        == "writing d.raw failed: the target is full; make room there or choose another place")
    #expect(plugin.wait() == .exit(1))
    #expect(try listDirectory(path) == [])
  }

  @Test(.enabled(if: access("/usr/bin/prlimit", X_OK) == 0, "prlimit is not installed"))
  func `at the limit of a file's length says so`() throws {
    let place = try Scratch()
    let plugin = try PluginProcess(
      "sluice-writer-raw", target: place.descriptor, pool: nil,
      wrapper: ["/usr/bin/prlimit", "--fsize=65536"])
    try plugin.host.greet()
    let disk = Content.disk(1, "d", noise(1 << 20, seed: 1))
    try plugin.host.start([disk])
    try? plugin.host.write(disk, digest: .none)
    let error = try plugin.host.awaitError()
    #expect(error.code == .noSpace && error.errnoName == "EFBIG")
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  @Test func `never touches a file that was there before`() throws {
    let place = try Scratch()
    try place.create("vm.conf", [9, 9])
    let plugin = try prepare(place, .closed)
    try? plugin.host.write(contents[1], digest: .none)
    #expect(try plugin.host.awaitError().code == .exists)
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == ["vm.conf"])
    #expect(try place.bytes("vm.conf") == [9, 9])
  }
}
