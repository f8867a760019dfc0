import BackupProtocol
import CLinux
import Glibc
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

/// How a test talks to the plugin.
struct Talk: Sendable {
  var isShared = true
  var masks = true
  var shape = PoolShape(slotCount: 4, slotBytes: 1 << 20)
  var options: JSONObject = [:]
  /// What channel 6 is.
  var kind = Job.OutputKind.file
}

/// An archive in a directory that goes away with its owner.
final class ArchiveFile {
  static let name = "archive"
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  convenience init(_ bytes: [UInt8]) throws {
    try self.init()
    try directory.create(Self.name, bytes)
  }

  var path: String { directory.path + "/" + Self.name }

  func bytes() throws -> [UInt8] { try directory.contents(Self.name) }

  func opened(_ flags: Int32) throws -> OwnedDescriptor {
    try openFile(Self.name, in: directory.descriptor.raw, flags: flags, mode: 0o600)
  }

  /// A stream that ends in the file, or begins with it: a pipe with `cat` at its other end.
  func pipe(writing: Bool) throws -> OwnedDescriptor {
    let cat = writing ? "cat pipe > \(Self.name); touch done" : "cat \(Self.name) > pipe"
    let start =
      "cd \(directory.path) && rm -f pipe done && mkfifo pipe && { (\(cat)) 2>/dev/null & }"
    try #require(try shell(start) == .exit(0))
    return try openFile(
      "pipe", in: directory.descriptor.raw, flags: writing ? O_WRONLY : O_RDONLY)
  }

  /// Waits until `cat` has written all that came through the pipe.
  func waitForPipe() throws {
    for _ in 0..<2000 where !directory.names.contains("done") { usleep(5000) }
    try #require(directory.names.contains("done"))
  }
}

/// The plugin in write mode, up to its HELLO_ACK.
func startWriter(_ file: ArchiveFile, _ talk: Talk = Talk()) throws -> PluginProcess {
  let pool = talk.isShared ? try SharedPool(talk.shape, name: "test") : nil
  let target =
    talk.kind == .pipe ? try file.pipe(writing: true) : try file.opened(O_RDWR | O_CREAT)
  let plugin = try PluginProcess(
    "sluice-writer-vma", target: target, pool: pool, shape: talk.shape)
  try plugin.host.greet()
  return plugin
}

/// A whole archive of the contents.
func write(_ contents: [Content], _ talk: Talk = Talk()) throws -> ArchiveFile {
  let file = try ArchiveFile()
  let plugin = try startWriter(file, talk)
  try plugin.host.start(contents, format: "vma", output: talk.kind, options: talk.options)
  for content in contents {
    try plugin.host.write(content, digest: .none, masks: talk.masks)
  }
  let finished = try plugin.host.finish()
  #expect(plugin.wait() == .exit(0))
  #expect(plugin.host.unreleased == 0)
  if talk.kind == .pipe { try file.waitForPipe() }
  let size = UInt64(try file.bytes().count)
  #expect(finished.artefacts == [Finished.Artefact(name: "archive", size: size)])
  #expect(finished.storedBytes == size)
  return file
}

/// The plugin in read mode, up to its HELLO_ACK.
func startReader(
  _ file: ArchiveFile, _ talk: Talk = Talk(), hasScratch: Bool = true
) throws -> PluginProcess {
  let pool = talk.isShared ? try SharedPool(talk.shape, name: "test") : nil
  let archive =
    talk.kind == .pipe ? try file.pipe(writing: false) : try file.opened(O_RDONLY)
  let scratch = try openNamelessFile(in: file.directory.path)
  let plugin = try PluginProcess(
    "sluice-writer-vma", target: archive, pool: pool, shape: talk.shape, isPoolWritable: true,
    scratch: hasScratch ? scratch.raw : nil)
  try plugin.host.greet(features: talk.isShared ? ["shm"] : [])
  return plugin
}

/// What reading an archive gives.
struct Outcome {
  var streams: [StreamDescription] = []
  var answers: [Answer] = []
  /// Of the first failure.
  var code = ErrorCode.none
  var message = ""
}

/// Reads every stream of an archive, in the order that the plugin says.
func readAll(
  _ file: ArchiveFile, _ mode: Job.Mode = .verify, _ talk: Talk = Talk(), hasScratch: Bool = true
) throws -> Outcome {
  let plugin = try startReader(file, talk, hasScratch: hasScratch)
  let host = plugin.host
  var outcome = Outcome()
  do {
    outcome.streams = try host.startReading(
      mode, format: "vma", output: talk.kind, scratch: hasScratch ? 8 : nil)
  } catch HostError.unexpected {
    let error = try #require(host.fatalError)
    (outcome.code, outcome.message) = (error.code, error.message)
    #expect(plugin.wait() == .exit(1))
    return outcome
  }
  for stream in outcome.streams {
    // What a stream claims to be may be more than a test has room for.
    let isHuge = (stream.size ?? 0) > 2 << 30
    let answer = isHuge ? try host.readAway(stream) : try host.read(stream)
    outcome.answers.append(answer)
    if answer.status != .none, outcome.code == .none {
      outcome.code = answer.status
      outcome.message = host.streamErrors.last?.message ?? ""
    }
  }
  _ = try host.finish()
  #expect(plugin.wait() == .exit(0))
  return outcome
}

/// Expects that an archive holds exactly the contents, in their order.
func expect(
  _ file: ArchiveFile, holds contents: [Content], _ mode: Job.Mode = .verify,
  _ talk: Talk = Talk()
) throws {
  let outcome = try readAll(file, mode, talk)
  #expect(outcome.code == .none, "\(outcome.message)")
  #expect(outcome.streams.map(\.name) == contents.map(\.stream.name))
  for (answer, (stream, content)) in zip(outcome.answers, zip(outcome.streams, contents)) {
    #expect(stream.kind == content.stream.kind)
    #expect(areEqual(answer.bytes, content.bytes), "\(stream.name) differs")
    #expect(answer.isOpened && answer.close?.logicalLength == UInt64(content.bytes.count))
  }
}

/// Disks of sizes that end everywhere in blocks, clusters and extents; multiples of 512.
let edgeSizes = [
  512, 3584, 4096, 4608, 65024, 65536, 66048, 69632, 1_048_064, 1_048_576, 1_049_088,
  58 * 65536 - 512, 58 * 65536, 58 * 65536 + 512, 59 * 65536, 117 * 65536 + 4608,
]
