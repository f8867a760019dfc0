import CommandLine
import BackupProtocol
import Glibc
import ScriptedHost
import SharedPool
import System
import Testing
import VMAFormat

@Suite(.inTurns) struct `A hostile VMA archive` {
  static let canLimit = access("/usr/bin/prlimit", X_OK) == 0

  /// Reads within the memory that the manifest declares; the process must live on to say what is
  /// wrong.
  func readLimited(_ file: ScratchArchive, _ kind: Job.OutputKind = .file) throws -> Outcome {
    let talk = Talk(kind: kind)
    let pool = try SharedPool(talk.shape, name: "test")
    let archive = kind == .pipe ? try file.pipe(writing: false) : try file.opened(O_RDONLY)
    let scratch = try openNamelessFile(file.place.directory)
    let plugin = try PluginProcess(
      "sluice-writer-vma", target: archive, pool: pool, shape: talk.shape, isPoolWritable: true,
      scratch: scratch.raw, wrapper: ["/usr/bin/prlimit", "--data=469762048"])
    try plugin.host.greet(features: ["shm"])
    var outcome = Outcome()
    do {
      outcome.streams = try plugin.host.startReading(
        .verify, format: "vma", output: kind, scratch: 8)
    } catch HostError.unexpected {
      try outcome.fail(plugin)
      return outcome
    }
    for stream in outcome.streams where outcome.code == .none {
      outcome.code = try plugin.host.readAway(stream).status
      outcome.message = plugin.host.streamErrors.last?.message ?? ""
    }
    do {
      _ = try plugin.host.finish()
      #expect(plugin.wait() == .exit(0))
    } catch HostError.unexpected {
      try outcome.fail(plugin)
    }
    return outcome
  }

  /// Extents whose clusters lie so far apart that each takes the most memory.
  private func scattered(_ count: Int) -> ArchiveMaker {
    var maker = ArchiveMaker([.disk(1, "d", noise(512, seed: 1)), .disk(2, "e", [1])])
    var wreck = Wreck(bytes: maker.bytes)
    wreck.changeHeader { $0[4096 + 64 + 8, UInt64.self] = 1 << 48 }
    maker.replaceHeader(wreck.bytes)
    var number: UInt32 = 0
    for _ in 0..<count {
      maker.addExtent(
        (0..<58).map { _ in
          number += 1
          return ExtentSlot(device: 2, cluster: number * 512, mask: 0)
        })
    }
    return maker
  }

  @Test(
    .enabled(if: canLimit, "prlimit is not installed"), arguments: [Job.OutputKind.file, .pipe])
  func `cannot make the reader remember more than it has room for`(
    kind: Job.OutputKind
  ) throws {
    let outcome = try readLimited(try ScratchArchive(scattered(6000).bytes), kind)
    #expect(outcome.code == .tooLarge, "\(outcome.code.name) \(outcome.message)")
    // What does fit is remembered, and the missing cluster is found.
    let smaller = try readLimited(try ScratchArchive(scattered(500).bytes), kind)
    #expect(smaller.code == .corrupt, "\(smaller.code.name) \(smaller.message)")
  }

  @Test(.enabled(if: canLimit, "prlimit is not installed"))
  func `cannot claim sizes that cost anything`() throws {
    for size in [UInt64(1) << 63, .max, 1 << 48 + 1, 1 << 48] {
      var wreck = Wreck(bytes: ArchiveMaker.make([.disk(1, "d", noise(512, seed: 1))]).bytes)
      wreck.changeHeader { $0[4096 + 32 + 8, UInt64.self] = size }
      let outcome = try readLimited(try ScratchArchive(wreck.bytes))
      #expect([.tooLarge, .corrupt].contains(outcome.code), "\(size): \(outcome.message)")
    }
  }

  @Test(
    .enabled(if: canLimit, "prlimit is not installed"), arguments: [12289, 1 << 26, 1 << 26 + 1])
  func `cannot have a header that costs too much`(size: Int) throws {
    // All of it is blobs of no bytes: as many as there can be.
    var wreck = Wreck(bytes: ArchiveMaker([.config(1, "c", [1])]).bytes)
    wreck.bytes += [UInt8](repeating: 0, count: max(0, size - wreck.bytes.count))
    wreck.bytes.removeLast(wreck.bytes.count - size)
    wreck.changeHeader {
      $0[52, UInt32.self] = UInt32(size - 12288)
      $0[56, UInt32.self] = UInt32(size)
    }
    let outcome = try readLimited(try ScratchArchive(wreck.bytes), .pipe)
    let expected: ErrorCode = size > 1 << 26 ? .tooLarge : size == 12289 ? .corrupt : .none
    #expect(outcome.code == expected, "\(outcome.code.name) \(outcome.message)")
  }

  @Test func `cannot have more names than a host can list`() throws {
    // A quotation mark takes two bytes on the wire.
    let name = String(repeating: "\"", count: 250)
    let contents =
      (100...353).map { Content.disk(UInt32($0), "\(name)\($0)", [1]) }
      + (400...655).map { Content.config(UInt32($0), "\(name)\($0)", []) }
    let outcome = try readAll(try ScratchArchive(ArchiveMaker(contents).bytes))
    #expect(outcome.code == .tooLarge, "\(outcome.code.name) \(outcome.message)")
  }

  @Test func `may let blobs share bytes, and gives what they say`() throws {
    // The content of "a" is the blob of its own name: a valid header, if an odd one.
    var wreck = Wreck(bytes: ArchiveMaker([.config(1, "a", [1])]).bytes)
    wreck.changeHeader { $0[3068, UInt32.self] = $0[2044, UInt32.self] }
    let outcome = try readAll(try ScratchArchive(wreck.bytes))
    #expect(outcome.code == .none && outcome.answers.map(\.bytes) == [[0x61, 0]])
  }

  @Test(
    .enabled(if: access("/usr/bin/zstd", X_OK) == 0, "zstd is not installed"),
    arguments: ["--long=27", "--long=28"])
  func `cannot ask for a window that is too large`(window: String) throws {
    let maker = ArchiveMaker.make([.disk(1, "d", noise(300 << 20, seed: 1) { $0 % 4096 != 0 })])
    let file = try ScratchArchive(maker.bytes)
    // From a pipe: the program does not know the length, and takes the window it was told.
    let command =
      "cd '\(file.place.directory)' && cat archive | zstd -q \(window) > x && mv x archive"
    #expect(try shell(command) == .exit(0))
    var wreck = try file.bytes()
    #expect(wreck.count > 10)
    // The frame's descriptor: the window's logarithm is in the upper five bits of byte 5.
    let log = Int(wreck[5] >> 3) + 10
    if window == "--long=28" && log < 28 { wreck[5] = 18 << 3 }
    let outcome = try readLimited(try ScratchArchive(wreck))
    #expect(outcome.code == (window == "--long=27" ? .none : .unsupported), "\(outcome.message)")
    #expect(window == "--long=27" || outcome.message.contains("zstd -dc --long=31"))
  }

  @Test(.alone, .enabled(if: access("/usr/bin/zstd", X_OK) == 0, "zstd is not installed"))
  func `that swells a million times is not read to its end`() throws {
    let file = try ScratchArchive(ArchiveMaker.make([.disk(1, "d", noise(512, seed: 1))]).bytes)
    let command =
      "cd '\(file.place.directory)' && { cat archive; head -c 4G /dev/zero; } | zstd -q -1 > x"
      + " && mv x archive"
    #expect(try shell(command) == .exit(0))
    let started = MonotonicTime.now
    let outcome = try readLimited(file)
    #expect(outcome.code == .corrupt)
    #expect(MonotonicTime.now.seconds(since: started) < 5)
  }
}
