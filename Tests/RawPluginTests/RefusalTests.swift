import CommandLine
import BackupProtocol
import CLinux
import Glibc
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

/// A job that cannot be done, and what the refusal must mention.
struct BadJob: Sendable, CustomTestStringConvertible {
  let testDescription: String
  var code = ErrorCode.badJob
  var contents: [Content] = [.disk(1, "d", [1])]
  var format = "raw"
  var output = Job.OutputKind.directory
  var options: JSONObject = [:]
}

private func incremental() -> Content {
  var content = Content.disk(1, "d", [1])
  content.stream.isIncremental = true
  return content
}

private let badJobs: [BadJob] = [
  BadJob(testDescription: "manifest.json", contents: [.config(1, "manifest.json", [])]),
  BadJob(testDescription: "SHA256SUMS", contents: [.config(1, "SHA256SUMS", [])]),
  BadJob(
    testDescription: "same file name d.raw",
    contents: [.disk(1, "d", []), .config(2, "d.raw", [])]),
  BadJob(
    testDescription: "same file name vmstate.bin",
    contents: [.config(1, "vmstate.bin", []), .state(2, [1])]),
  BadJob(
    testDescription: "would have 256 bytes",
    contents: [.disk(1, String(repeating: "n", count: 252), [])]),
  BadJob(testDescription: "not a file", output: .file),
  BadJob(testDescription: "not a pipe", output: .pipe),
  BadJob(testDescription: "no format vma", format: "vma"),
  BadJob(testDescription: "incremental", code: .unsupported, contents: [incremental()]),
  BadJob(testDescription: "no option \"compress\"", code: .badOption, options: ["compress": 1]),
  BadJob(
    testDescription: "\"sha256sums\" must be", code: .badOption, options: ["sha256sums": "on"]),
  BadJob(testDescription: "\"direct\" must be", code: .badOption, options: ["direct": "maybe"]),
]

@Suite(.inTurns) struct `What cannot be done` {
  @Test(arguments: badJobs)
  func `is refused before any data`(job: BadJob) throws {
    let place = try Scratch()
    let plugin = try startWriter(place)
    #expect(throws: HostError.self) {
      try plugin.host.start(
        job.contents, format: job.format, output: job.output, options: job.options)
    }
    let error = try #require(plugin.host.fatalError)
    #expect(error.code == job.code)
    #expect(error.message.contains(job.testDescription), "\(error.message)")
    #expect(plugin.wait() == .exit(1))
    #expect(try place.names() == [])
  }

  @Test func `names at their limit are no reason`() throws {
    let place = try Scratch()
    let disk = Content.disk(1, String(repeating: "n", count: 251), noise(5000, seed: 1))
    let config = Content.config(2, String(repeating: "ü", count: 127), [1])
    try write([disk, config], to: place)
    #expect(areEqual(try place.bytes(disk.stream.name + ".raw"), disk.bytes))
  }

  @Test func `a job without streams is an archive too`() throws {
    let place = try Scratch()
    try write([], to: place)
    #expect(try place.names() == ["SHA256SUMS", "manifest.json"])
    let plugin = try startReader(place)
    #expect(try plugin.host.startReading(.verify).isEmpty)
    try finish(plugin)
  }

  @Test(arguments: ["no seals", "one seal", "too short", "no pool"])
  func `a pool that could shrink is not used`(pool: String) throws {
    let shape = PoolShape(slotCount: 4, slotBytes: 65536)
    let memory =
      pool == "no pool"
      ? try openFile("/dev/null", flags: O_RDWR)
      : OwnedDescriptor(adopting: try check(clinux_memfd_create("bad"), .memfdCreate, "bad"))
    let bytes = pool == "too short" ? shape.byteCount - 4096 : shape.byteCount
    _ = clinux_ftruncate(memory.raw, Int64(bytes))
    if pool == "one seal" { _ = clinux_add_seals(memory.raw, Int32(CLINUX_SEAL_SHRINK)) }
    if pool == "too short" {
      _ = clinux_add_seals(memory.raw, Int32(CLINUX_SEAL_SHRINK | CLINUX_SEAL_GROW))
    }
    let place = try Scratch()
    let plugin = try PluginProcess(
      "sluice-writer-raw", target: place.descriptor, pool: nil, shape: shape,
      otherPool: memory.raw)
    #expect(try plugin.host.greet(features: ["shm"]).features == [])
    let disk = Content.disk(1, "d", noise(70_000, seed: 1))
    try plugin.host.start([disk])
    try plugin.host.write(disk, digest: .none)
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
    #expect(areEqual(try place.bytes("d.raw"), disk.bytes))
  }

  @Test func `people are told what the program is`() throws {
    let plugin = PluginProcess.buildFolder + "/sluice-writer-raw"
    let manifest =
      #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
      + "/Plugins/raw/raw.json"
    #expect(try shell("SLUICE_PROTOCOL=info \(plugin) | cmp - \(manifest)") == .exit(0))
    #expect(try shell("\(plugin) 2>&1 | grep -q 'I am a Sluice plugin: raw 0.1.0'") == .exit(0))
    #expect(try shell("\(plugin) 2> /dev/null") == .exit(2))
    #expect(try shell("SLUICE_PROTOCOL=7 \(plugin) 2> /dev/null") == .exit(2))
  }
}
