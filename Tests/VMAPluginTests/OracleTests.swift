import CommandLine
import BackupProtocol
import Glibc
import ScriptedHost
import System
import Testing

/// Archives that the genuine `vma create` wrote.
@Suite(
  .inTurns, .enabled(if: Oracles.directory != nil, "oracles: SLUICE_ORACLES names no directory"))
struct `A genuine VMA archive` {
  @Test(arguments: Oracles.all)
  func `is read to the digests of its disks`(oracle: Oracles) throws {
    let file = try oracle.copy()
    for talk in [Talk(), Talk(isShared: false), Talk(kind: .pipe)] {
      let outcome = try readAll(file, .verify, talk)
      #expect(outcome.code == .none, "\(outcome.message)")
      #expect(outcome.streams.map(\.name) == oracle.names)
      for (stream, answer) in zip(outcome.streams, outcome.answers) {
        guard let expected = oracle.digests[stream.name] else { continue }
        #expect(try Checker.sha256(answer.bytes, in: file.place) == expected)
      }
    }
  }

  @Test(.enabled(if: Checker.canRun, "needs python3"), arguments: Oracles.all)
  func `has the same content when we write it again`(oracle: Oracles) throws {
    let outcome = try readAll(try oracle.copy())
    let contents = zip(outcome.streams, outcome.answers).map { Content($0, $1.bytes) }
    let again = try write(contents)
    try Checker.expect(again, holds: contents)
    try workshop.expect(again, holds: contents)
    #expect(try Checker.accepts(try oracle.copy(), written: false))
  }
}

struct Oracles: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let names: [String]
  /// SHA-256 of the images it was made from.
  var digests: [String: String] = [:]

  static let directory = getenv("SLUICE_ORACLES").map { String(cString: $0) + "/vma" }

  static let all = [
    Oracles(testDescription: "config-only", names: ["qemu-server.conf"]),
    Oracles(
      testDescription: "one-disk-70-clusters", names: ["qemu-server.conf", "drive-scsi0"],
      digests: [
        "drive-scsi0": "9bb3e78bcc2eb54bd19495aabfa066cd91c0b2fa3855103a6ea2c49de749d330"
      ]),
    Oracles(
      testDescription: "two-disks",
      names: ["qemu-server.conf", "qemu-server.fw", "drive-scsi0", "drive-scsi1"],
      digests: [
        "drive-scsi0": "32c5fdc043edae997d811125b3ab9788b0bf659fe3d6bc81d0c98662d9fe97c9",
        "drive-scsi1": "a164e02a5e55e47446b00a83e172751f5a387ebc392d3c52923244b278f5295b",
      ]),
  ]

  func copy() throws -> ScratchArchive {
    let path = "\(Self.directory ?? "")/\(testDescription).vma"
    return try ScratchArchive(try readSmallFile(path, limit: 16 << 20))
  }
}
