import BackupProtocol
import Glibc
import JSON
import ScriptedHost
import Testing
import WriterKit

/// The format `tar`, by a host that tells where disks have data.
let workshop = Workshop(plugin: "sluice-writer-ova", format: "tar", sendsMaps: true)

/// Disks of sizes that end everywhere in blocks and clusters.
let edgeSizes = [
  0, 1, 511, 512, 513, 4095, 4096, 65535, 65536, 65537, 1_048_575, 1_048_576, 1_048_577,
  59 * 65536 + 4609,
]

/// Expects that an archive holds exactly the contents, in their order.
func expect(
  _ file: ArchiveFile, holds contents: [Content], _ mode: Job.Mode = .verify,
  _ talk: Talk = Talk()
) throws {
  let outcome = try workshop.readAll(file, mode, talk)
  #expect(outcome.code == .none, "\(outcome.message)")
  #expect(outcome.streams.map(\.name) == contents.map(\.stream.name))
  for (answer, (stream, content)) in zip(outcome.answers, zip(outcome.streams, contents)) {
    #expect(stream.kind == content.stream.kind, "\(stream.name)")
    #expect(areEqual(answer.bytes, content.bytes), "\(stream.name) differs")
    #expect(answer.isOpened && answer.close?.logicalLength == UInt64(content.bytes.count))
  }
}

/// Expects that reading fails, and says why.
func expectFailure(
  _ bytes: [UInt8], _ code: ErrorCode = .corrupt, says words: String, _ mode: Job.Mode = .verify,
  _ talk: Talk = Talk()
) throws {
  let outcome = try workshop.readAll(try ArchiveFile(bytes), mode, talk)
  #expect(outcome.code == code, "\(outcome.message)")
  #expect(outcome.message.contains(words), "\(outcome.message)")
}

extension Workshop {
  /// Expects that a job is refused before anything is read, and says why.
  func expectRefused(
    _ contents: [Content], _ options: JSONObject, _ code: ErrorCode, says words: String
  ) throws {
    let file = try ArchiveFile()
    let plugin = try startWriter(file)
    #expect(throws: HostError.self) {
      try plugin.host.start(contents, format: format, output: .file, options: options)
    }
    let error = try #require(plugin.host.fatalError)
    #expect(error.code == code && error.message.contains(words), "\(error.message)")
    #expect(plugin.wait() == .exit(1))
    #expect(try file.bytes() == [])
  }

  /// Expects that nothing is left of a job whose host says so in the middle of a disk, or dies.
  ///
  /// - Parameter isReleased: The writer is done with what came, and does not wait for more of it.
  func expectNothingWhenCalledOff(isDead: Bool, isReleased: Bool) throws {
    let file = try ArchiveFile()
    let plugin = try startWriter(file)
    let content = Content.disk(1, "d", pattern(5 << 20, seed: 1))
    try plugin.host.start([content], format: format, output: .file)
    try plugin.host.sendMaps([content])
    try plugin.host.send { $0.appendOpen(stream: 1) }
    try plugin.host.sendData(content, 0..<(1 << 20), masks: true)
    if isReleased { try plugin.host.await(.release) }
    if isDead {
      plugin.host.closeInput()
    } else {
      try plugin.host.send { $0.append(.abort, [:]) }
      try plugin.host.await(.aborted)
    }
    #expect(plugin.wait() == .exit(1))
    #expect(try file.bytes() == [])
  }

  /// Writes a disk whose map says data everywhere, and whose host finds zeros only.
  func writeZeros(_ disk: Content, _ talk: Talk = Talk()) throws -> (ArchiveFile, Finished) {
    let file = try ArchiveFile()
    let plugin = try startWriter(file, talk)
    try plugin.host.start([disk], format: format, output: talk.kind)
    try plugin.host.sendMaps([disk], masks: false)
    try plugin.host.send { $0.appendOpen(stream: 1) }
    let size = UInt64(disk.bytes.count)
    try plugin.host.send {
      $0.append(ZeroFrame(offset: 0, length: 65536, kind: .zero), stream: 1)
      $0.append(ZeroFrame(offset: 65536, length: size - 65536, kind: .zero), stream: 1)
      $0.append(CloseFrame(logicalLength: size, digest: .none), stream: 1)
    }
    let finished = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
    if talk.kind == .pipe { try file.waitForPipe() }
    return (file, finished)
  }
}

/// Another program that reads and writes archives.
enum Oracle: String, CaseIterable {
  case tar, bsdtar, python3

  var isThere: Bool { access("/usr/bin/\(rawValue)", X_OK) == 0 }

  static var areThere: Bool { allCases.allSatisfy(\.isThere) }

  /// Words of the shell that extract `archive` into `out`.
  var extraction: String {
    switch self {
    case .tar: "tar -C out -xSf archive"
    case .bsdtar: "LC_ALL=C.UTF-8 bsdtar -C out -xf archive"
    case .python3:
      "/usr/bin/python3 -c 'import tarfile; tarfile.open(\"archive\").extractall(\"out\")'"
    }
  }

  /// Expects that the program extracts an archive to the contents, and nothing but them and what
  /// every archive has, without a word of complaint.
  func expect(_ file: ArchiveFile, holds contents: [Content]) throws {
    let words = "rm -rf out && mkdir out && \(extraction)"
    #expect(
      try shell("cd \(file.directory.path) && { \(words) ; } > said 2>&1") == .exit(0))
    #expect(try file.directory.contents("said") == [], "\(rawValue)")
    var names = ["manifest.json", "SHA256SUMS"]
    for content in contents {
      let name = content.stream.name + (content.stream.kind == .disk ? ".raw" : "")
      names.append(name)
      let bytes = try file.directory.contents("out/" + name)
      #expect(areEqual(bytes, content.bytes), "\(name) differs")
    }
    let found = "cd \(file.directory.path)/out && ls -A | wc -l | grep -qx '\(names.count)'"
    #expect(try shell("\(found) && sha256sum --quiet -c SHA256SUMS") == .exit(0))
  }
}

/// The digest that a host would send.
func treeDigest(_ bytes: [UInt8]) -> Digest {
  var digest = TreeDigest()
  digest.update(bytes.span.bytes)
  return digest.finish()
}
