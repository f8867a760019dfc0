internal import BackupProtocol
internal import Glibc
internal import JSON
internal import Sandbox
internal import System

/// What reading an archive gave.
struct ReadOutcome: Sendable {
  var streams: [StreamDescription] = []
  var answers: [Answer] = []
  /// What ended it, if the plugin gave up.
  var refusal: Refusal?
  var isProven = false
}

extension CaseBench {
  /// Writes an archive, and looks at what is announced and what is there.
  func write(
    _ contents: [Content], _ setup: CaseSetup = CaseSetup(), _ style: WritingStyle = WritingStyle(),
    parent: ParentBackup? = nil
  ) throws -> CaseArchive {
    let host = try startWriter(setup)
    try host.greet()
    if setup.hasPool { try require(host.isShared, "the plugin does not accept shm") }
    try host.start(contents, parent: parent)
    try host.sendMaps(contents, style)
    for content in contents { try host.write(content, style) }
    let finished = try host.finish()
    let archive = host.archive(contents)
    try ArtefactLook(archive).check(finished)
    return archive
  }

  /// Reads all streams of an archive, in the order of JOB_ACK.
  func read(
    _ archive: CaseArchive, _ setup: CaseSetup, _ policy: ReleasePolicy = .atOnce,
    order: ([StreamDescription]) -> [StreamDescription] = { $0 }
  ) throws -> ReadOutcome {
    let host = try startReader(archive, setup)
    var outcome = ReadOutcome()
    do {
      try host.greet()
      if setup.hasPool { try require(host.isShared, "the plugin does not accept shm") }
      outcome.streams = try host.start([]).streams
      for stream in order(outcome.streams) {
        outcome.answers.append(try host.read(stream, ReadFrame(), policy))
      }
      outcome.isProven = try host.finish().isProven
    } catch let refusal as Refusal {
      outcome.refusal = refusal
      try host.closeInput()
      try host.expectEnd(.code(1), "15.2-2")
    }
    return outcome
  }

  /// Reads an archive back and compares every byte with what was sent.
  ///
  /// A format without a read mode is taken at its word.
  func expectContents(
    _ archive: CaseArchive, _ setup: CaseSetup? = nil, _ policy: ReleasePolicy = .atOnce,
    clause: String? = nil
  ) throws {
    guard reads else { return }
    var reading = setup ?? CaseSetup()
    if reading.mode == .write { reading.mode = .read }
    let outcome = try read(archive, reading, policy)
    try outcome.expect(archive.contents, clause: clause)
  }
}

extension ReadOutcome {
  /// Every stream is there and right, and every digest of it.
  func expect(_ contents: [Content], clause: String? = nil) throws {
    if let refusal { throw refusal }
    guard streams.count == contents.count else {
      throw Fault("4.3-2", "JOB_ACK lists \(streams.count) streams of \(contents.count)")
    }
    for content in contents {
      let found = answers.first { $0.stream.name == content.stream.name }
      guard let answer = found, answer.stream.kind == content.stream.kind else {
        throw Fault(
          "4.3-2",
          "JOB_ACK does not list \(content.stream.kind) "
            + "\"\(content.stream.name)\"")
      }
      try answer.expect(content, clause)
    }
  }
}

extension Answer {
  /// The bytes are those that were sent.
  func expect(_ content: Content, _ clause: String?) throws {
    let name = "\"\(content.stream.name)\""
    guard status == .none else {
      throw Fault("7.2-1", "READ of \(name) ended with \(ending)")
    }
    if let size = stream.size, size != content.length {
      throw Fault("4.3-2", "JOB_ACK gives \(name) \(size) bytes in place of \(content.length)")
    }
    if content.holeBytes > 0 { return }
    if let place = Bytes.difference(bytes, content.bytes) {
      throw Fault(clause, "byte \(place) of \(name) is not the one that was written")
    }
    if let place = disagreement {
      throw Fault("7.2-9", "the digest of \(name) in \(place) is not that of its bytes")
    }
  }
}

/// A look at what a plugin left, against what it announced. Specified in protocol.md §14.1.
struct ArtefactLook {
  private let archive: CaseArchive
  private let path: String

  init(_ archive: CaseArchive) {
    self.archive = archive
    path = archive.room.path + "/" + CaseArchive.name
  }

  func check(_ finished: Finished) throws {
    guard archive.kind == .directory else {
      let size = UInt64(try FileStatus(path: path).size)
      guard finished.artefacts == [Finished.Artefact(name: Finished.archiveName, size: size)] else {
        throw Fault(
          "4.4-1",
          "FINISHED announces \(Self.words(finished)), and there are "
            + "\(size) bytes")
      }
      return
    }
    var announced: [String: UInt64] = [:]
    for artefact in finished.artefacts { announced[artefact.name] = artefact.size }
    for name in try listDirectory(path) {
      guard let size = announced.removeValue(forKey: name) else {
        throw Fault("4.4-1", "\"\(name)\" is there, and FINISHED does not announce it")
      }
      let found = try bytes(path + "/" + name)
      guard found == size else {
        throw Fault("4.4-1", "FINISHED announces \"\(name)\" with \(size) bytes of \(found)")
      }
    }
    if let ghost = announced.keys.first {
      throw Fault("4.4-1", "FINISHED announces \"\(ghost)\", which is not there")
    }
    if let name = archive.receiptName { try checkReceipt(path + "/" + name) }
  }

  /// The receipt of a directory format says what CLOSE said.
  private func checkReceipt(_ path: String) throws {
    let receipt: Receipt
    do {
      receipt = try Receipt(parsing: try readSmallFile(path, limit: Receipt.byteCountMax))
    } catch { throw Fault("14.2", "its receipt cannot be read: \(error)") }
    for content in archive.contents where content.holeBytes == 0 {
      let found = receipt.streams.first { $0.name == content.stream.name }
      guard let found, found.size == content.length, found.kind == content.stream.kind else {
        throw Fault("14.2", "its receipt does not have \"\(content.stream.name)\" as it was sent")
      }
      guard found.digest == .none || found.digest == content.digest else {
        throw Fault("14.2", "its receipt has another digest of \"\(content.stream.name)\"")
      }
    }
  }

  /// Of a folder the sum of the files in it.
  private func bytes(_ path: String) throws -> UInt64 {
    let status = try FileStatus(path: path)
    switch status.kind {
    case .regular:
      guard status.linkCount == 1 else {
        throw Fault("14.1-2", "a file of the archive has \(status.linkCount) links")
      }
      return UInt64(status.size)
    case .directory:
      return try listDirectory(path).reduce(0) { sum, name in
        sum + (try bytes(path + "/" + name))
      }
    default: throw Fault("14.1-2", "the archive holds more than files and folders")
    }
  }

  private static func words(_ finished: Finished) -> String {
    finished.artefacts.map { "\"\($0.name)\" with \($0.size) bytes" }.joined(separator: ", ")
  }
}
