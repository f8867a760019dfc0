internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import System

extension ConformanceCase {
  /// Archives that are damaged: an error or the right bytes, never wrong ones that are vouched for.
  static let damage: [ConformanceCase] = [
    ConformanceCase(
      "read.flipped", "7.3-2", "4.4-3", "7.3-1", scope: .format,
      does: "changes bytes all over an archive, reads and verifies each; expects an error, or "
        + "bytes that are right or that nobody vouches for",
      remedy: "check all lengths and numbers of an archive; say `proven` of what was held against "
        + "digests alone"
    ) { bench in try damaged(bench, .flip) },
    ConformanceCase(
      "read.cut", "7.3-1", "7.4-2", scope: .format,
      does: "cuts an archive at many places, and reads and verifies what is left",
      remedy: "tell an archive that ends too early by E_CORRUPT"
    ) { bench in try damaged(bench, .cut) },
    ConformanceCase(
      "read.foreign", "7.3-1", scope: .format,
      does: "gives it noise, zeros and nothing as an archive; expects a fatal ERROR",
      remedy: "refuse what is not an archive of the format with E_CORRUPT"
    ) { bench in try foreign(bench) },
    ConformanceCase(
      "read.salvage", "7.5-1", "7.5-2", "7.5-4", "4.15-2", scope: .format,
      does: "reads damaged archives for what they still hold; expects no wrong byte as sound",
      remedy: "send DAMAGED for what is lost, or fail the READ"
    ) { bench in try damaged(bench, .flip, salvages: true) },
  ]

  private enum Kind { case flip, cut }

  private static func damaged(
    _ bench: CaseBench, _ kind: Kind, salvages: Bool = false
  ) throws {
    try bench.require(bench.reads, "the format has no read mode")
    let contents = Content.fitting(bench)
    let archive = try bench.write(contents)
    let files = try ArchiveParts(archive).files
    for (number, place) in places(in: files, kind).enumerated() {
      let (path, offset) = place
      let saved = try Wound(path, offset, isCut: kind == .cut)
      defer { saved.heal() }
      var setup = CaseSetup()
      setup.mode = bench.verifies && !salvages && number % 2 == 1 ? .verify : .read
      setup.salvages = salvages
      do {
        try judge(try bench.read(archive, setup), of: contents, setup.mode)
      } catch let fault as Fault {
        let what = kind == .flip ? "byte \(offset) changed" : "cut at byte \(offset)"
        throw Fault(
          fault.clause,
          "\(splitPath(path).name), \(what), in \(setup.mode.rawValue) mode: "
            + fault.message)
      }
    }
  }

  /// Places of all files, more of them near the ends.
  private static func places(
    in files: [(path: String, size: Int64)], _ kind: Kind
  ) -> [(String, Int64)] {
    files.flatMap { file -> [(String, Int64)] in
      guard file.size > 0 else { return [] }
      let shares: [Int64] = kind == .flip ? [0, 4, 9, 23, 40, 61, 77, 90, 99] : [0, 10, 50, 95]
      let spread = shares.map { file.size * $0 / 100 }
      let edges: [Int64] =
        kind == .flip ? [1, 8, 20, 72, 100, 513, file.size - 1] : [1, 511, file.size - 1]
      return Set(spread + edges).filter { $0 < file.size }.sorted().map { (file.path, $0) }
    }
  }

  /// Wrong bytes are a fault only if somebody says that they are right.
  private static func judge(
    _ outcome: ReadOutcome, of contents: [Content], _ mode: Job.Mode
  ) throws {
    if outcome.refusal != nil { return }
    guard outcome.isProven else { return }
    if outcome.answers.contains(where: { !$0.damaged.isEmpty }) {
      throw Fault("7.5-4", "says `proven` after DAMAGED")
    }
    for answer in outcome.answers {
      let name = "\"\(answer.stream.name)\""
      guard answer.status == .none else {
        throw Fault("4.4-3", "says `proven` although the READ of \(name) failed")
      }
      let content = contents.first { $0.stream.name == answer.stream.name }
      let isRight = content.map { Bytes.difference(answer.bytes, $0.bytes) == nil } ?? false
      guard isRight else { throw Fault("4.4-3", "says `proven` of \(name), whose bytes are wrong") }
    }
  }

  private static func foreign(_ bench: CaseBench) throws {
    try bench.require(bench.reads, "the format has no read mode")
    let samples = [[], [UInt8](repeating: 0, count: 70000), Bytes.noise(70000, seed: 11)]
    for sample in samples {
      let room = try CaseRoom(in: bench.directory)
      let kind = bench.output
      if kind == .directory {
        let directory = try room.makeDirectory(CaseArchive.name, for: bench.identity)
        if !sample.isEmpty {
          let name = bench.format.receipt ?? "noise"
          let file = try openFile(
            name, in: directory.raw, flags: O_RDWR | O_CREAT, mode: 0o644)
          try file.put(sample)
        }
      } else {
        try room.makeFile(CaseArchive.name, for: bench.identity).put(sample)
      }
      var setup = CaseSetup()
      setup.mode = .read
      let outcome = try bench.read(CaseArchive(room, kind, []), setup)
      let isRefused = outcome.refusal != nil || outcome.answers.contains { $0.status != .none }
      guard isRefused || outcome.streams.isEmpty else {
        throw Fault("7.3-1", "finds \(outcome.streams.count) streams in what is no archive")
      }
    }
  }
}

/// The files of an archive.
private struct ArchiveParts {
  var files: [(path: String, size: Int64)] = []

  init(_ archive: CaseArchive) throws {
    let path = archive.room.path + "/" + CaseArchive.name
    guard archive.kind == .directory else {
      files = [(path, try FileStatus(path: path).size)]
      return
    }
    for name in try listDirectory(path) {
      let status = try FileStatus(path: path + "/" + name)
      if status.kind == .regular { files.append((path + "/" + name, status.size)) }
    }
  }
}

/// A damage that can be undone.
private struct Wound {
  private let path: String
  private let offset: Int64
  private let bytes: [UInt8]

  init(_ path: String, _ offset: Int64, isCut: Bool) throws {
    self.path = path
    self.offset = offset
    let file = try openFile(path, flags: O_RDWR)
    let size = try FileStatus(descriptor: file.raw, subject: path).size
    bytes = try readBytes(file.raw, at: offset, count: isCut ? Int(size - offset) : 1)
    if isCut {
      try check(clinux_ftruncate(file.raw, offset), .ftruncate, path)
    } else {
      try file.put([bytes[0] ^ 0x41], at: offset)
    }
  }

  func heal() {
    guard let file = try? openFile(path, flags: O_RDWR) else { return }
    try? file.put(bytes, at: offset)
  }
}

extension OwnedDescriptor {
  /// Writes bytes at a place.
  func put(_ bytes: [UInt8], at offset: Int64 = 0) throws(SystemCallError) {
    var failure: SystemCallError?
    unsafe bytes.withUnsafeBytes { buffer in
      do throws(SystemCallError) {
        try unsafe writeAll(buffer, at: offset, subject: "an archive")
      } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
