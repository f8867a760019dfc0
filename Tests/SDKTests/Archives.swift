import BackupProtocol
import CommandLine
import Glibc
import ScriptedHost
import SharedPool
import Testing
import WriterKit

extension Example {
  /// A whole archive of the contents, with digests.
  func write(
    _ contents: [Content], _ talk: Talk = Talk(), digests: Bool = true
  ) throws -> ScratchArchive {
    let file = try ScratchArchive()
    let process = try start(file, talk)
    try process.host.start(contents, format: format, output: .file, options: talk.options)
    for content in contents {
      let digest = digests ? treeDigest(content.bytes) : .none
      try process.host.write(content, digest: digest, masks: talk.masks)
    }
    try finish(process, file)
    return file
  }

  /// ``Sample/disk`` as an increment.
  func writeIncrement(_ talk: Talk = Talk()) throws -> ScratchArchive {
    let file = try ScratchArchive()
    let process = try start(file, talk)
    var content = Content.disk(1, "d", Sample.disk)
    content.stream.isIncremental = true
    try process.host.start([content], format: format, output: .file)
    try process.host.write(content, as: Sample.extents, digest: Self.incrementDigest)
    try finish(process, file)
    return file
  }

  /// What the host would say of the increment.
  static let incrementDigest: Digest = {
    var tree = TreeDigest()
    for extent in Sample.extents {
      switch extent.kind {
      case .data:
        let part = Array(Sample.disk[Int(extent.offset)..<Int(extent.end)])
        tree.update(part.span.bytes)
      case .unchanged: tree.updateUnchanged(extent.length)
      default: tree.updateZeros(extent.length)
      }
    }
    return Digest(algorithm: .incrementTreeSHA256, bytes: tree.finish())
  }()

  /// The plugin in write mode, greeted; every byte alone if the talk says so.
  func start(_ file: ScratchArchive, _ talk: Talk) throws -> PluginProcess {
    let pool = talk.isShared ? try SharedPool(talk.shape, name: "test") : nil
    let process = try PluginProcess(
      workshop.plugin, target: try file.opened(O_RDWR | O_CREAT), pool: pool, shape: talk.shape)
    process.host.pieceBytes = talk.pieceBytes
    let ack = try process.host.greet(
      features: (talk.isShared ? ["shm"] : []) + ["checkpoint", "parallel-read", "grease-1"])
    process.host.isGreasing = true
    #expect(ack.features == (talk.isShared ? ["shm"] : []))
    return process
  }

  /// An archive whose digest is that of other bytes.
  func lie(_ content: Content) throws -> ScratchArchive {
    let file = try ScratchArchive()
    let process = try start(file, Talk())
    try process.host.start([content], format: format, output: .file)
    try process.host.write(content, digest: treeDigest([1]))
    try finish(process, file)
    return file
  }

  private func finish(_ process: PluginProcess, _ file: ScratchArchive) throws {
    let finished = try process.host.finish()
    #expect(process.wait() == .exit(0))
    #expect(process.host.unreleased == 0)
    #expect(finished == Finished(archiveBytes: UInt64(try file.bytes().count)))
  }

  /// Reads all of an archive.
  func read(
    _ file: ScratchArchive, _ mode: Job.Mode = .verify, _ talk: Talk = Talk(),
    salvages: Bool = false
  ) throws -> Reading {
    let process = try workshop.startReader(file, talk)
    process.host.pieceBytes = talk.pieceBytes
    process.host.isGreasing = true
    let ack = try process.host.openArchive(
      mode, format: format, output: .file, salvages: salvages)
    var reading = Reading(ack: ack, answers: try ack.streams.map { try process.host.read($0) })
    if reading.answers.allSatisfy({ $0.status == .none }) {
      reading.isProven = try process.host.finish().isProven
      #expect(process.wait() == .exit(0))
    }
    return reading
  }
}

/// What reading an archive gave.
struct Reading {
  let ack: JobAck
  let answers: [Answer]
  var isProven = false

  /// Expects exactly these streams.
  func expect(_ contents: [Content]) {
    #expect(ack.streams.map(\.name) == contents.map(\.stream.name))
    #expect(ack.streams.map(\.id) == contents.map(\.stream.id))
    #expect(ack.streams.map(\.kind) == contents.map(\.stream.kind))
    for (answer, content) in zip(answers, contents) {
      #expect(answer.status == .none && answer.isOpened, "\(content.stream.name)")
      #expect(areEqual(answer.bytes, content.bytes), "\(content.stream.name) differs")
      #expect(answer.close?.logicalLength == UInt64(content.bytes.count))
    }
  }
}

/// CRC-32 as in zlib.
func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  var sum = UInt32.max
  for byte in bytes {
    sum ^= UInt32(byte)
    for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
  }
  return ~sum
}
