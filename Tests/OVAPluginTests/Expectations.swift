import CommandLine
import BackupProtocol
import Glibc
import JSON
import ScriptedHost
import Testing
import WriterKit

/// The format `tar`, by a host that tells where disks have data.
let workshop = Workshop(plugin: "sluice-writer-ova", format: "tar", sendsMaps: true)

/// Expects that reading fails, and says why.
func expectFailure(
  _ bytes: [UInt8], _ code: ErrorCode = .corrupt, says words: String, _ mode: Job.Mode = .verify,
  _ talk: Talk = Talk()
) throws {
  let outcome = try workshop.readAll(try ScratchArchive(bytes), mode, talk)
  #expect(outcome.code == code, "\(outcome.message)")
  #expect(outcome.message.contains(words), "\(outcome.message)")
}

extension Workshop {
  /// Expects that a job is refused before anything is read, and says why.
  func expectRefused(
    _ contents: [Content], _ options: JSONObject, _ code: ErrorCode, says words: String
  ) throws {
    let file = try ScratchArchive()
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
    let file = try ScratchArchive()
    let plugin = try startWriter(file)
    let content = Content.disk(1, "d", noise(5 << 20, seed: 1))
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
  func writeZeros(_ disk: Content, _ talk: Talk = Talk()) throws -> (ScratchArchive, Finished) {
    let file = try ScratchArchive()
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
