package import BackupProtocol
internal import CommandLine
internal import Glibc
package import JSON
package import SharedPool
internal import System

/// How a test talks to the plugin.
package struct Talk: Sendable {
  package var isShared = true
  package var masks = true
  package var shape = PoolShape(slotCount: 4, slotBytes: 1 << 20)
  package var options: JSONObject = [:]
  /// Bytes of one write to the plugin; 0 for whole frames.
  package var pieceBytes = 0
  /// What channel 6 is.
  package var kind = Job.OutputKind.file

  package init(
    isShared: Bool = true, masks: Bool = true,
    shape: PoolShape = PoolShape(slotCount: 4, slotBytes: 1 << 20), options: JSONObject = [:],
    pieceBytes: Int = 0, kind: Job.OutputKind = .file
  ) {
    self.isShared = isShared
    self.masks = masks
    self.shape = shape
    self.options = options
    self.pieceBytes = pieceBytes
    self.kind = kind
  }
}

/// What reading an archive gives.
package struct Outcome {
  package var streams: [StreamDescription] = []
  package var answers: [Answer] = []
  /// Of the first failure.
  package var code = ErrorCode.none
  package var message = ""

  package init() {}

  /// The plugin ended itself.
  package mutating func fail(_ process: PluginProcess) throws {
    guard let error = process.host.fatalError else { throw WorkshopError("no fatal error came") }
    if code == .none { (code, message) = (error.code, error.message) }
    try require(process.wait() == .exit(1), "the plugin did not exit with 1")
  }
}

/// A plugin under test and one of its formats.
package struct Workshop: Sendable {
  package let plugin: String
  package let format: String
  /// Whether the host tells where disks have data.
  package let sendsMaps: Bool

  package init(plugin: String, format: String, sendsMaps: Bool = false) {
    self.plugin = plugin
    self.format = format
    self.sendsMaps = sendsMaps
  }

  /// The plugin in write mode, up to its HELLO_ACK.
  package func startWriter(_ file: ScratchArchive, _ talk: Talk = Talk()) throws -> PluginProcess {
    let pool = talk.isShared ? try SharedPool(talk.shape, name: "test") : nil
    let target =
      talk.kind == .pipe ? try file.pipe(writing: true) : try file.opened(O_RDWR | O_CREAT)
    let process = try PluginProcess(
      plugin, target: target, pool: pool, shape: talk.shape)
    try process.host.greet(features: (talk.isShared ? ["shm"] : []) + (sendsMaps ? ["map"] : []))
    return process
  }

  /// A whole archive of the contents.
  package func write(_ contents: [Content], _ talk: Talk = Talk()) throws -> ScratchArchive {
    let file = try ScratchArchive()
    let process = try startWriter(file, talk)
    try process.host.start(contents, format: format, output: talk.kind, options: talk.options)
    if sendsMaps { try process.host.sendMaps(contents, masks: talk.masks) }
    for content in contents {
      try process.host.write(content, digest: .none, masks: talk.masks)
    }
    let finished = try process.host.finish()
    try require(process.wait() == .exit(0), "the plugin did not exit with 0")
    try require(process.host.unreleased == 0, "frames are unreleased")
    if talk.kind == .pipe { try file.waitForPipe() }
    let size = UInt64(try file.bytes().count)
    try require(
      finished.artefacts == [Finished.Artefact(name: "archive", size: size)]
        && finished.storedBytes == size, "FINISHED tells another size than \(size)")
    return file
  }

  /// The plugin in read mode, up to its HELLO_ACK.
  ///
  /// - Parameters:
  ///   - features: What is offered beside shared memory.
  ///   - wrapper: A program and its arguments that start the plugin.
  package func startReader(
    _ file: ScratchArchive, _ talk: Talk = Talk(), hasScratch: Bool = true, features: [String] = [],
    wrapper: [String] = []
  ) throws -> PluginProcess {
    let pool = talk.isShared ? try SharedPool(talk.shape, name: "test") : nil
    let archive =
      talk.kind == .pipe ? try file.pipe(writing: false) : try file.opened(O_RDONLY)
    let scratch = try openNamelessFile(file.place.directory)
    let process = try PluginProcess(
      plugin, target: archive, pool: pool, shape: talk.shape, isPoolWritable: true,
      scratch: hasScratch ? scratch.raw : nil, wrapper: wrapper)
    try process.host.greet(features: (talk.isShared ? ["shm"] : []) + features)
    return process
  }

  /// The plugin in read mode, asked for ranges, and the archive's streams.
  package func startRanges(
    _ file: ScratchArchive, _ talk: Talk = Talk(), wrapper: [String] = []
  ) throws -> (plugin: PluginProcess, streams: [StreamDescription]) {
    let plugin = try startReader(file, talk, features: ["random-read"], wrapper: wrapper)
    let streams = try plugin.host.startReading(.read, format: format, output: talk.kind, scratch: 8)
    return (plugin, streams)
  }

  /// Reads every stream of an archive, in the order that the plugin says.
  package func readAll(
    _ file: ScratchArchive, _ mode: Job.Mode = .verify, _ talk: Talk = Talk(),
    hasScratch: Bool = true
  ) throws -> Outcome {
    let process = try startReader(file, talk, hasScratch: hasScratch)
    let host = process.host
    var outcome = Outcome()
    do {
      outcome.streams = try host.startReading(
        mode, format: format, output: talk.kind, scratch: hasScratch ? 8 : nil)
    } catch HostError.unexpected {
      try outcome.fail(process)
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
    do {
      _ = try host.finish()
      try require(process.wait() == .exit(0), "the plugin did not exit with 0")
    } catch HostError.unexpected {
      try outcome.fail(process)
    }
    return outcome
  }
}

/// What went otherwise than every test expects.
package struct WorkshopError: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ otherwise: String) throws {
  if !condition { throw WorkshopError(otherwise) }
}
