import BackupProtocol
import Glibc
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
