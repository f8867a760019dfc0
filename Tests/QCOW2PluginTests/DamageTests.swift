import BackupProtocol
import CommandLine
import JSON
import ScriptedHost
import System
import Testing

/// A way to damage a good archive of the disk "d" (2 MiB) and the configuration file "vm.conf".
struct Damage: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let code: ErrorCode
  /// What the message has, too.
  let words: String
  /// A shell command, run inside the archive.
  let command: String
  /// When it is found: when the archive is opened, when the disk is read, or when it is verified.
  let stage: Stage

  enum Stage { case opening, reading, verifying }

  init(_ description: String, _ code: ErrorCode, _ words: String, _ command: String) {
    self.init(description, code, words, .opening, command)
  }

  init(
    _ description: String, _ code: ErrorCode, _ words: String, _ stage: Stage, _ command: String
  ) {
    testDescription = description
    self.code = code
    self.words = words
    self.stage = stage
    self.command = command
  }
}

/// Writes bytes, in hexadecimal, into the image.
private func patch(_ offset: Int, _ bytes: String) -> String {
  let escaped = bytes.split(separator: " ").map { "\\\\x\($0)" }.joined()
  return "/usr/bin/printf '\(escaped.replacing("\\\\", with: "\\"))' "
    + "| dd of=d.qcow2 bs=1 seek=\(offset) conv=notrunc status=none"
}

/// A full disk of 2 MiB: data from 64 KiB on, then its L2 table, L1, refcount block and table.
private let l2 = 33 << 16
private let l1 = 34 << 16
private let counts = 35 << 16

private let damages: [Damage] = [
  Damage("no manifest", .notFound, "not a qcow2 archive", "rm manifest.json"),
  Damage("an empty manifest", .corrupt, "not JSON", ": > manifest.json"),
  Damage(
    "a manifest of the format raw", .corrupt, "unexpected file",
    "sed -i s/d.qcow2/d.raw/ manifest.json"),
  Damage(
    "an increment without a parent", .corrupt, "in the parent",
    "sed -i 's/\"kind\": \"disk\"/&, \"incremental\": true/' manifest.json"),
  Damage(
    "an increment that is no disk", .corrupt, "cannot be incremental",
    "sed -i 's/\"kind\": \"config\"/&, \"incremental\": true/' manifest.json"),
  Damage("a disk that is missing", .notFound, "d.qcow2 is missing", "rm d.qcow2"),
  Damage("a disk that is a link", .corrupt, "symbolic link", "ln -sf /etc/passwd d.qcow2"),
  Damage("a disk that is a pipe", .corrupt, "regular file", "rm d.qcow2 && mkfifo d.qcow2"),
  Damage("a disk that is empty", .corrupt, "truncated", ": > d.qcow2"),
  Damage("a disk that is no image", .corrupt, "not a qcow2 image", patch(0, "00")),
  Damage(
    "a disk of another size", .corrupt, "instead of 2097152", "qemu-img resize -q d.qcow2 3M"),
  Damage(
    "a whole disk above another", .unsupported, "backing file",
    "qemu-img create -q -f qcow2 b 2M && qemu-img rebase -u -b b -F qcow2 d.qcow2"),
  Damage(
    "a snapshot inside", .unsupported, "internal snapshots", "qemu-img snapshot -c s d.qcow2"),
  Damage(
    "a dirty bitmap inside", .unsupported, "bitmaps", "qemu-img bitmap --add d.qcow2 b"),
  Damage(
    "an image that was not closed", .corrupt, "not closed", patch(79, "01")),
  Damage("the mark of corruption", .unsupported, "corrupt image", patch(79, "02")),
  Damage("an external data file", .unsupported, "data file", patch(79, "04")),
  Damage("extended L2 entries", .unsupported, "extended L2", patch(79, "10")),
  Damage("encryption", .unsupported, "encryption", patch(35, "01")),
  Damage("a version of the future", .unsupported, "version 4", patch(7, "04")),
  Damage("L1 outside of the file", .corrupt, "L1 table", .reading, patch(42, "7F")),
  Damage("a table outside of the file", .corrupt, "L2 table", .reading, patch(l1 + 3, "7F")),
  Damage(
    "a table that begins nowhere", .corrupt, "not where a cluster begins", .reading,
    patch(l1 + 6, "02")),
  Damage("a cluster outside of the file", .corrupt, "truncated", .reading, patch(l2 + 3, "7F")),
  Damage(
    "a cluster that begins nowhere", .corrupt, "not where a cluster begins", .reading,
    patch(l2 + 6, "02")),
  Damage(
    "a file that is cut", .corrupt, "truncated", .reading, "truncate -s \(l1 + 4) d.qcow2"),
  Damage("two clusters in one place", .corrupt, "refcounts", .verifying, patch(l2 + 5, "02")),
  Damage(
    "a cluster that is lost", .corrupt, "refcounts", .verifying,
    patch(l2, "00 00 00 00 00 00 00 00")),
  Damage("a refcount that is wrong", .corrupt, "refcounts", .verifying, patch(counts + 7, "02")),
  Damage(
    "no refcount table", .corrupt, "refcount table", .verifying, patch(48, "7F")),
  Damage("something left over", .corrupt, "unexpected file", .verifying, "echo > extra"),
]

@Suite(.inTurns, .enabled(if: canAskQEMU, "needs qemu-img"))
struct `A damaged archive of qcow2 images` {
  static let contents: [Content] = [
    .disk(1, "d", noise(2 << 20, seed: 1)), .config(2, "vm.conf", Array("memory: 512\n".utf8)),
  ]

  /// What comes of opening and reading all.
  private func outcome(_ place: Scratch, _ mode: Job.Mode) throws -> (ErrorFrame?, Damage.Stage) {
    let plugin = try workshop.startReader(place)
    do {
      for stream in try plugin.host.startReading(mode, format: "qcow2") {
        let answer = try plugin.host.readAway(stream)
        if answer.status != .none { return (plugin.host.streamErrors.last, .reading) }
      }
    } catch HostError.unexpected {
      #expect(plugin.wait() == .exit(1))
      return (plugin.host.fatalError, .opening)
    }
    try workshop.finishReading(plugin)
    return (nil, .reading)
  }

  @Test(arguments: damages)
  func `is refused, by what is wrong with it`(damage: Damage) throws {
    let place = try Scratch()
    try workshop.write(Self.contents, to: place)
    #expect(try shell("cd \(place.directory) && { \(damage.command); }") == .exit(0))
    let (verified, stage) = try outcome(place, .verify)
    let error = try #require(verified)
    #expect(error.code == damage.code, "\(error.message)")
    #expect(error.message.contains(damage.words), "\(error.message)")
    let (found, _) = try outcome(place, .read)
    switch damage.stage {
    case .opening: #expect(stage == .opening && found?.code == damage.code)
    case .reading: #expect(stage == .reading && found?.code == damage.code)
    case .verifying: #expect(found == nil, "\(found?.message ?? "")")
    }
  }

  @Test func `never makes more of a file than it has`() throws {
    let place = try Scratch()
    try workshop.write(Self.contents, to: place)
    // A disk of 1 PiB, all of whose tables are one, whose clusters are one.
    let script = """
      import struct
      f = open("d.qcow2", "r+b")
      f.seek(24); f.write(struct.pack(">Q", 1 << 50))
      f.seek(36); f.write(struct.pack(">IQ", 1 << 21, 1 << 22))
      f.seek(\(l2)); f.write(struct.pack(">Q", 65536) * 8192)
      f.seek(1 << 22); f.write(struct.pack(">Q", \(l2)) * (1 << 21))
      """
    try place.create("make.py", Array(script.utf8))
    let edit = "sed -i 's/\"size\": 2097152/\"size\": \(1 << 50)/' manifest.json"
    #expect(
      try shell("cd \(place.directory) && python3 make.py && rm make.py && \(edit)") == .exit(0))
    for salvages in [false, true] {
      let plugin = try workshop.startReader(place)
      let stream = try plugin.host.startReading(.read, format: "qcow2", salvages: salvages)[0]
      #expect(try plugin.host.readAway(stream).status == .corrupt)
      #expect(plugin.host.streamErrors.last?.message.contains("more than once") == true)
      try workshop.finishReading(plugin)
    }
  }
}
