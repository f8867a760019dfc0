import BackupProtocol
import CommandLine
import Glibc
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

/// What the examples write and read, without a sandbox and frame by frame.
@Suite(.inTurns) struct `The examples of the SDKs` {
  private static let talks = [
    Talk(), Talk(isShared: false), Talk(shape: PoolShape(slotCount: 4, slotBytes: 65536)),
    Talk(masks: false, options: ["record-kib": 64]),
    Talk(shape: PoolShape(slotCount: 256, slotBytes: 4 << 20)),
  ]

  @Test(arguments: Example.pairs, talks.indices)
  func `read what each other wrote`(pair: (Example, Example), talk: Int) throws {
    let talk = Self.talks[talk]
    let archive = try pair.0.write(Sample.contents, talk)
    let reading = try pair.1.read(
      archive, .verify, Talk(isShared: talk.isShared, shape: talk.shape))
    reading.expect(Sample.contents)
    #expect(reading.isProven)
    #expect(reading.ack.vm == Job.Machine(id: "101", name: "db1"))
    #expect(reading.ack.instant == Timestamp("2026-01-31T20:00:00Z"))
  }

  @Test(arguments: Example.all)
  func `take frames byte by byte`(_ example: Example) throws {
    let contents = Array(Sample.contents.prefix(2)) + [.disk(3, "d", noise(70_000, seed: 1))]
    for isShared in [true, false] {
      let talk = Talk(isShared: isShared, pieceBytes: 1)
      try example.read(try example.write(contents, talk), .read, talk).expect(contents)
    }
  }

  @Test(arguments: Example.pairs)
  func `give increments back as such, and prove them`(pair: (Example, Example)) throws {
    for isShared in [true, false] {
      let archive = try pair.0.writeIncrement(Talk(isShared: isShared))
      let reading = try pair.1.read(archive, .read, Talk(isShared: isShared))
      #expect(reading.ack.streams.first?.isIncremental == true)
      #expect(reading.answers.first?.extents == Sample.extents)
      #expect(reading.answers.first?.close?.digest == Example.incrementDigest)
      #expect(reading.isProven)
    }
  }

  @Test(arguments: Example.all)
  func `prove nothing without digests`(_ example: Example) throws {
    let archive = try example.write(Sample.contents, digests: false)
    let reading = try example.read(archive)
    reading.expect(Sample.contents)
    #expect(!reading.isProven)
  }

  @Test(arguments: Example.all)
  func `find changed data and salvage the rest`(_ example: Example) throws {
    let contents = [Content.disk(1, "d", noise(4 << 20, seed: 3))]
    let archive = try example.write(contents)
    // Inside the data of the second record.
    try archive.place.flip(ScratchArchive.name, at: 8 + 32 + (1 << 20) + 32 + 5000)
    let reading = try example.read(archive)
    #expect(reading.answers.map(\.status) == [.corrupt])
    let salvaged = try example.read(archive, .read, salvages: true)
    #expect(salvaged.answers.first?.damaged == [1 << 20..<2 << 20])
    #expect(salvaged.answers.first?.dataBytes == 3 << 20)
    #expect(!salvaged.isProven)
  }

  @Test(arguments: Example.all)
  func `find changed record heads, and digests that are not those of the bytes`(
    _ example: Example
  ) throws {
    let contents = [Content.disk(1, "d", noise(1 << 20, seed: 3))]
    for place in 8..<40 where place % 3 == 0 {
      let archive = try example.write(contents)
      try archive.place.flip(ScratchArchive.name, at: Int64(place))
      #expect(try example.read(archive).answers.map(\.status) == [.corrupt], "byte \(place)")
    }
    let lie = try example.lie(contents[0])
    #expect(try example.read(lie).answers.map(\.status) == [.corrupt])
  }

  /// Fields of a record's head, and values that they cannot have in an archive of one full disk.
  private static let wrongFields: [(place: Int, bytes: [UInt8])] = [
    (0, [2]),  // of another stream
    (4, [3]),  // unchanged, in no increment
    (4, [4]), (4, [0, 0, 0, 1]),  // a kind that does not exist
    (9, [1]),  // does not follow
    (16, [0, 0, 0]),  // empty
    (16, [1, 0, 1]),  // cut inside a cluster
    (23, [0x80]), (20, [1]),  // beyond the end
  ]

  @Test(arguments: Example.all)
  func `refuse records that break the format with right checksums`(_ example: Example) throws {
    for disk in [noise(4 << 20, seed: 3), [UInt8](repeating: 0, count: 4 << 20)] {
      let whole = try example.write([.disk(1, "d", disk)]).bytes()
      for (place, bytes) in Self.wrongFields {
        var archive = whole
        archive.replaceSubrange(8 + place..<8 + place + bytes.count, with: bytes)
        let check = crc32(archive[8..<36])
        archive.replaceSubrange(36..<40, with: withUnsafeBytes(of: check.littleEndian, Array.init))
        let reading = try example.read(try ScratchArchive(archive), .read, salvages: true)
        #expect(reading.answers.map(\.status) == [.corrupt], "\(bytes) at \(place)")
        #expect(!reading.isProven)
      }
    }
  }

  @Test(arguments: Example.all)
  func `refuse archives that are cut or whose index is changed`(_ example: Example) throws {
    let whole = try example.write(Sample.contents).bytes()
    for count in [0, 7, 8, 31, 32, 100, whole.count / 2, whole.count - 1] {
      try expectRefused(Array(whole.prefix(count)), by: example)
    }
    for place in stride(from: whole.count - 400, to: whole.count, by: 7) {
      var bytes = whole
      bytes[place] ^= 0x40
      try expectRefused(bytes, by: example)
    }
  }

  @Test(arguments: Example.all)
  func `refuse an index that says what cannot be`(_ example: Example) throws {
    let whole = try example.write(Sample.contents).bytes()
    let start = Int(
      whole[(whole.count - 24)..<(whole.count - 16)].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    let text = String(decoding: whole[start..<(whole.count - 24)], as: UTF8.self)
    let wrong = [
      ("\"vm\":{", "\"vm\":7,\"was\":{"), ("\"name\":\"db1\"", "\"name\":7"),
      ("\"at\":8", "\"at\":9"),
      ("\"id\":2,", "\"id\":1,"), ("\"id\":1024", "\"id\":1025"), ("\"size\":0", "\"size\":null"),
      ("\"name\":\"empty\"", "\"name\":\"..\""), ("\"streams\":", "\"disks\":"),
      ("tree-sha256-32k", "md5"),
    ]
    for (old, new) in wrong {
      let index = Array(text.replacing(old, with: new).utf8)
      #expect(index != Array(text.utf8), "no \(old)")
      var tail = withUnsafeBytes(of: UInt64(start).littleEndian, Array.init)
      tail += withUnsafeBytes(of: UInt32(index.count).littleEndian, Array.init)
      tail += withUnsafeBytes(of: crc32(index[...]).littleEndian, Array.init)
      try expectRefused(whole[..<start] + index + tail + whole.suffix(8), by: example)
    }
  }

  private func expectRefused(_ bytes: [UInt8], by example: Example) throws {
    let process = try example.workshop.startReader(try ScratchArchive(bytes))
    let job = Job(id: "j", mode: .verify, format: "reel", output: .file)
    try process.host.send { $0.append(.job, job.object) }
    #expect(try process.host.awaitError().code == .corrupt)
    #expect(process.wait() == .exit(1))
  }

  @Test(arguments: Example.all)
  func `do without a pool that could shrink`(_ example: Example) throws {
    let file = try ScratchArchive()
    let loose = try openNamelessFile(file.place.directory)
    let process = try PluginProcess(
      example.workshop.plugin, target: try file.opened(O_RDWR | O_CREAT), pool: nil,
      otherPool: loose.raw)
    let ack = try process.host.greet(features: ["shm"])
    #expect(ack.features == [])
  }

  @Test(arguments: Example.all)
  func `refuse options that the manifest does not have`(_ example: Example) throws {
    let wrong: [JSONObject] = [
      ["record-kib": 63], ["record-kib": 1025], ["record-kib": "64"], ["speed": 1],
    ]
    for options in wrong {
      let process = try example.start(try ScratchArchive(), Talk())
      // Behind the JOB nobody may read any more.
      process.host.isGreasing = false
      var job = Job(id: "j", mode: .write, format: "reel", output: .file, options: options)
      job.streams = [Sample.contents[0].stream]
      try process.host.send { $0.append(.job, job.object) }
      #expect(try process.host.awaitError().code == .badOption, "\(options)")
      #expect(process.wait() == .exit(1))
    }
  }

  @Test func `are built`() {
    #expect(Example.buildStatus == 0)
    #expect(Example.all.prefix(2).map(\.language) == ["python", "c"])
  }

  @Test(.enabled(if: Example.hasRust, "rustc 1.74 or newer is not installed"))
  func `are there in every language`() {
    #expect(Example.all.map(\.language) == ["python", "c", "rust", "swift"])
  }
}
