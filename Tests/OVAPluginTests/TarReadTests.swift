import CommandLine
import BackupProtocol
import Glibc
import ScriptedHost
import Testing

/// A way for another program to make an archive of what is in `in`.
struct Maker: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let words: String

  init(_ words: String) {
    testDescription = words
    self.words = words
  }

  static let all = [
    Maker("tar -C in -cf archive ."),
    Maker("tar -C in --format=v7 -cf archive config d.raw e.img"),
    Maker("tar -C in --format=ustar -cf archive config d.raw e.img"),
    Maker("tar -C in --format=gnu -cf archive config d.raw e.img"),
    Maker("tar -C in -S --format=gnu -cf archive config d.raw e.img"),
    Maker("tar -C in -S --format=oldgnu -cf archive config d.raw e.img"),
    Maker("tar -S --format=posix --sparse-version=0.0 -cf archive in"),
    Maker("tar -S --format=posix --sparse-version=0.1 -cf archive in"),
    Maker("tar -S --format=posix --sparse-version=1.0 -cf archive in/config in/d.raw in/e.img"),
    Maker("tar -C in -S --format=posix --hole-detection=raw -cf archive config d.raw e.img"),
    Maker("bsdtar -C in -cf archive config d.raw e.img"),
    Maker("bsdtar -C in --format=pax -cf archive config d.raw e.img"),
    Maker("bsdtar -C in --format=gnutar -cf archive config d.raw e.img"),
    Maker(
      "/usr/bin/python3 -m tarfile -c archive in/config in/d.raw in/e.img"),
  ]
}

@Suite(.inTurns, .enabled(if: Oracle.areThere, "needs tar, bsdtar and python3"))
struct `Reading a tar archive of another program` {
  static let contents: [Content] = [
    .config(1, "config", Array("cores: 1\0]]>\n".utf8)),
    .disk(2, "d", noise(9 << 20 | 777, seed: 1) { $0 / 3 % 2 == 0 }),
    .disk(3, "e", noise(3 << 20, seed: 2) { $0 != 700 }),
  ]

  /// An archive of the contents, and of a directory and a link that are none.
  func make(_ maker: Maker) throws -> ScratchArchive {
    let file = try ScratchArchive()
    #expect(try shell("mkdir \(file.place.directory)/in") == .exit(0))
    for (name, content) in zip(["config", "d.raw", "e.img"], Self.contents) {
      try file.place.create("in/" + name, content.bytes)
    }
    let words =
      "cd \(file.place.directory) && fallocate -d in/d.raw && fallocate -d in/e.img"
    #expect(try shell("\(words) && \(maker.words)") == .exit(0))
    return file
  }

  /// Expects the contents, in whatever order.
  func expectContents(_ file: ScratchArchive, _ mode: Job.Mode, _ talk: Talk) throws {
    let outcome = try workshop.readAll(file, mode, talk)
    #expect(outcome.code == .none, "\(outcome.message)")
    #expect(outcome.streams.map(\.name).sorted() == ["config", "d", "e"])
    for (stream, answer) in zip(outcome.streams, outcome.answers) {
      let content = try #require(Self.contents.first { $0.stream.name == stream.name })
      #expect(stream.kind == content.stream.kind)
      #expect(areEqual(answer.bytes, content.bytes), "\(stream.name) differs")
    }
  }

  @Test(arguments: Maker.all, [Job.OutputKind.file, .pipe])
  func `gives what went in`(maker: Maker, kind: Job.OutputKind) throws {
    let file = try make(maker)
    try expectContents(file, .verify, Talk(kind: kind))
    try expectContents(file, .read, Talk(isShared: false, kind: kind))
  }

  /// Frames that decoders skip, as those of pzstd, before and between others.
  private static let skipping = """
    { printf 'P*M\\030\\004\\0\\0\\0abcd' && head -c 500000 | zstd -q && \
    printf '_*M\\030\\0\\0\\0\\0' && zstd -q && printf 'W*M\\030\\001\\0\\0\\0a'; }
    """

  @Test(arguments: ["zstd -q", "gzip -1", Self.skipping], [Job.OutputKind.file, .pipe])
  func `works for compressed ones`(program: String, kind: Job.OutputKind) throws {
    let file = try make(Maker("tar -C in -Scf - config d.raw e.img | \(program) > archive"))
    try expectContents(file, .verify, Talk(kind: kind))
  }

  @Test func `from a pipe needs a scratch file, and says so`() throws {
    let file = try make(Maker.all[0])
    let outcome = try workshop.readAll(file, .read, Talk(kind: .pipe), hasScratch: false)
    #expect(outcome.code == .unsupported && outcome.message.contains("use a file"))
  }

  @Test func `leaves out links, and says so`() throws {
    let file = try make(Maker("ln -s config in/link && mkfifo in/pipe && tar -C in -cf archive ."))
    let plugin = try workshop.startReader(file)
    let streams = try plugin.host.startReading(.read, format: "tar", output: .file)
    #expect(streams.map(\.name).sorted() == ["config", "d", "e"])
    #expect(plugin.host.reports.filter { $0.type == .log }.count == 2)
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
  }

  @Test func `leaves out hidden files, and says so`() throws {
    let file = try make(
      Maker("cp in/config in/._d.raw && cp in/config in/.hidden && tar -C in -cf archive ."))
    try expectContents(file, .verify, Talk())
    let plugin = try workshop.startReader(file)
    _ = try plugin.host.startReading(.read, format: "tar", output: .file)
    #expect(plugin.host.reports.filter { $0.type == .log }.count == 2)
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
  }

  @Test func `refuses images that are not raw`() throws {
    let file = try make(Maker("cp in/config in/x.qcow2 && tar -C in -cf archive ."))
    let outcome = try workshop.readAll(file)
    #expect(outcome.code == .unsupported && outcome.message.contains("x.qcow2"))
  }

  @Test func `refuses two files that would be one`() throws {
    let file = try make(
      Maker("mkdir in/sub && cp in/d.raw in/sub/d.img && tar -C in -cf archive ."))
    let outcome = try workshop.readAll(file)
    #expect(outcome.code == .corrupt && outcome.message.contains("duplicate file name"))
  }
}

@Suite(.inTurns) struct `Reading a tar archive of ours` {
  static let contents: [Content] = [
    .config(1, "c", Array("cores: 1\n".utf8)),
    .disk(2, "d", noise(2 << 20 | 777, seed: 1) { $0 / 32 % 2 == 0 }),
    .disk(3, "e", noise(1 << 20, seed: 2)),
  ]

  @Test func `tells the machine and the instant`() throws {
    let file = try workshop.write(Self.contents)
    let plugin = try workshop.startReader(file)
    let ack = try plugin.host.openArchive(.read, format: "tar", output: .file)
    #expect(ack.instant?.text == "2026-01-31T20:00:00Z" && ack.vm.id == "101")
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
  }

  @Test func `works in any order from a file, and forward only from a pipe`() throws {
    let file = try workshop.write(Self.contents)
    for kind in [Job.OutputKind.file, .pipe] {
      let plugin = try workshop.startReader(file, Talk(kind: kind))
      let streams = try plugin.host.startReading(.read, format: "tar", output: kind, scratch: 8)
      let disk = try plugin.host.read(streams[1])
      #expect(areEqual(disk.bytes, Self.contents[1].bytes))
      let config = try plugin.host.read(streams[0])
      #expect((config.status == .none) == (kind == .file))
      _ = try plugin.host.finish()
      #expect(plugin.wait() == .exit(0))
    }
  }

  @Test(arguments: [Job.Mode.read, .verify], [Job.OutputKind.file, .pipe])
  func `finds every flipped byte of a disk or a configuration`(
    mode: Job.Mode, kind: Job.OutputKind
  ) throws {
    let contents = Self.contents
    let file = try writeWithDigests(contents)
    try workshop.expect(file, holds: contents, mode, Talk(kind: kind))
    let bytes = try file.bytes()
    for content in contents {
      // The second cluster but one of either disk has data.
      let isDisk = content.stream.kind == .disk
      let part = isDisk ? Array(content.bytes[132_000..<132_200]) : content.bytes
      let place = try #require(find(part, in: bytes))
      var wreck = bytes
      wreck[place + 5] ^= 1
      try expectFailure(wreck, says: "digest mismatch", mode, Talk(kind: kind))
    }
  }

  @Test func `finds an archive that was cut off anywhere`() throws {
    let bytes = try writeWithDigests(Self.contents).bytes()
    for length in stride(from: 0, to: bytes.count - 1024, by: 1 << 18) {
      try expectFailure(Array(bytes[..<length]), says: "", .read)
    }
    for length in [bytes.count - 1024, bytes.count - 1536, bytes.count - 4096, 511, 512, 1024] {
      try expectFailure(Array(bytes[..<length]), says: "", .read)
    }
    for length in [bytes.count - 1, bytes.count - 511, bytes.count - 512] {
      try expectFailure(Array(bytes[..<length]), says: "one block of zeros", .read)
    }
  }

  @Test func `what follows the end is refused by verify, but zeros are not`() throws {
    let file = try workshop.write(Self.contents)
    let bytes = try file.bytes()
    let padded = try ScratchArchive(bytes + [UInt8](repeating: 0, count: 20_000))
    try workshop.expect(padded, holds: Self.contents)
    try expectFailure(bytes + [1], says: "after the end")
    try expectFailure(bytes + bytes, says: "after the end")
    try workshop.expect(try ScratchArchive(bytes + [1]), holds: Self.contents, .read)
  }

  /// An archive whose manifest has digests.
  private func writeWithDigests(_ contents: [Content]) throws -> ScratchArchive {
    let file = try ScratchArchive()
    let plugin = try workshop.startWriter(file)
    try plugin.host.start(contents, format: "tar", output: .file)
    try plugin.host.sendMaps(contents)
    for content in contents { try plugin.host.write(content, digest: treeDigest(content.bytes)) }
    _ = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
    return file
  }

  /// Where a part of the bytes begins.
  private func find(_ part: [UInt8], in bytes: [UInt8]) -> Int? {
    bytes.withUnsafeBytes { hay in
      (0...(hay.count - part.count)).first {
        memcmp(hay.baseAddress! + $0, part, part.count) == 0
      }
    }
  }
}
