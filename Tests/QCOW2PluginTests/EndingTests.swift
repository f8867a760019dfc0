import BackupProtocol
import CommandLine
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

/// A job that cannot be done, and what the refusal must mention.
struct BadJob: Sendable, CustomTestStringConvertible {
  let testDescription: String
  var code = ErrorCode.badJob
  var contents: [Content] = [.disk(1, "d", [UInt8](repeating: 1, count: 512))]
  var output = Job.OutputKind.directory
  var options: JSONObject = [:]
}

private func huge(_ size: UInt64) -> Content {
  var content = Content.disk(1, "d", [])
  content.stream.size = size
  return content
}

private let badJobs: [BadJob] = [
  BadJob(testDescription: "reserved name", contents: [.config(1, "manifest.json", [])]),
  BadJob(
    testDescription: "same file name d.qcow2",
    contents: [.disk(1, "d", []), .config(2, "d.qcow2", [])]),
  BadJob(
    testDescription: "would have 256 bytes",
    contents: [.disk(1, String(repeating: "n", count: 250), [])]),
  BadJob(testDescription: "not a file", output: .file),
  BadJob(testDescription: "not a pipe", output: .pipe),
  BadJob(
    testDescription: "not a multiple of 512", code: .unsupported,
    contents: [.disk(1, "d", [UInt8](repeating: 1, count: 513))]),
  BadJob(
    testDescription: "the limit of qcow2 is 2 PiB", code: .tooLarge,
    contents: [huge(2 << 50 + 512)]),
  BadJob(
    testDescription: "not a multiple of 512", code: .unsupported,
    contents: [huge(Limits.streamBytesMax)]),
  BadJob(testDescription: "no option \"level\"", code: .badOption, options: ["level": 1]),
  BadJob(
    testDescription: "\"compress\" must be", code: .badOption, options: ["compress": "gzip"]),
]

@Suite(.inTurns) struct `A job of qcow2 images that comes to nothing` {
  @Test(arguments: badJobs)
  func `is refused before any data`(job: BadJob) throws {
    let place = try Scratch()
    let plugin = try workshop.startWriter(place)
    #expect(throws: HostError.self) {
      try plugin.host.start(
        job.contents, format: "qcow2", output: job.output, options: job.options)
    }
    let error = try #require(plugin.host.fatalError)
    #expect(error.code == job.code, "\(error.message)")
    #expect(error.message.contains(job.testDescription), "\(error.message)")
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  @Test(arguments: [1 << 50, 2 << 50] as [UInt64])
  func `the largest disks are no reason`(size: UInt64) throws {
    let place = try Scratch()
    let plugin = try workshop.startWriter(place)
    try plugin.host.start([huge(size)], format: "qcow2")
    try plugin.host.write(
      huge(size), as: [Extent(offset: 0, length: size, kind: .hole)])
    _ = try workshop.finishWriting(plugin)
    #expect(try place.status("d.qcow2").storedBytes < 1 << 20)
  }

  static let stages = 0..<5

  private func prepare(_ place: Scratch, _ stage: Int, _ compress: String) throws -> PluginProcess {
    let disk = Content.disk(1, "d", noise(4 << 20, seed: 1) { $0 % 3 == 0 })
    let talk = Talk(shape: PoolShape(slotCount: 16, slotBytes: 1 << 20))
    let plugin = try workshop.startWriter(place, talk)
    let host = plugin.host
    try host.start([disk], format: "qcow2", options: ["compress": .string(compress)])
    if stage > 0 { try host.send { $0.appendOpen(stream: 1) } }
    if stage > 1 { try host.sendData(disk, 0..<(1 << 20), masks: true) }
    if stage > 2 {
      for piece in 1..<4 {
        try host.sendData(disk, (piece << 20)..<((piece + 1) << 20), masks: true)
      }
    }
    if stage > 3 {
      try host.send { $0.append(CloseFrame(logicalLength: 4 << 20, digest: .none), stream: 1) }
    }
    return plugin
  }

  @Test(arguments: stages, compressions)
  func `by ABORT leaves nothing behind`(stage: Int, compress: String) throws {
    let place = try Scratch()
    let plugin = try prepare(place, stage, compress)
    try plugin.host.send { $0.append(.abort, Abort(reason: "a test").object) }
    try plugin.host.await(.aborted)
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  @Test(arguments: stages, compressions)
  func `by the host's death leaves nothing behind`(stage: Int, compress: String) throws {
    let place = try Scratch()
    let plugin = try prepare(place, stage, compress)
    plugin.host.closeInput()
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  @Test(
    .enabled(if: Build.has("prlimit"), "prlimit is not installed"), arguments: compressions)
  func `at the limit of a file's length says so`(compress: String) throws {
    let place = try Scratch()
    let plugin = try PluginProcess(
      "sluice-writer-qcow2", target: place.descriptor, pool: nil,
      wrapper: ["/usr/bin/prlimit", "--fsize=262144"])
    try plugin.host.greet()
    let disk = Content.disk(1, "d", noise(8 << 20, seed: 1))
    try plugin.host.start([disk], format: "qcow2", options: ["compress": .string(compress)])
    try? plugin.host.write(disk, digest: .none)
    try? plugin.host.send { $0.append(.finish, [:]) }
    let error = try plugin.host.awaitError()
    #expect(error.code == .noSpace && error.errnoName == "EFBIG")
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  @Test func `never touches a file that was there before`() throws {
    let place = try Scratch()
    try place.create("d.qcow2", [9, 9])
    let plugin = try prepare(place, 1, "none")
    #expect(try plugin.host.awaitError().code == .exists)
    #expect(plugin.wait() == .exit(1))
    #expect(try place.bytes("d.qcow2") == [9, 9])
  }

  @Test func `people are told what the program is`() throws {
    let plugin = PluginProcess.buildFolder + "/sluice-writer-qcow2"
    let manifest =
      #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
      + "/Plugins/qcow2/qcow2.json"
    #expect(try shell("SLUICE_PROTOCOL=info \(plugin) | cmp - \(manifest)") == .exit(0))
    #expect(try shell("\(plugin) 2> /dev/null") == .exit(2))
  }
}
