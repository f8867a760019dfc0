import CommandLine
import BackupProtocol
import JSON
import ScriptedHost
import SharedPool
import Testing

@Suite(.inTurns, .enabled(if: Oracle.areThere, "needs tar, bsdtar and python3"))
struct `Writing a tar archive` {
  /// Writes, has every other program extract it, and reads it back.
  func roundTrip(_ contents: [Content], _ talk: Talk = Talk()) throws {
    let file = try workshop.write(contents, talk)
    for oracle in Oracle.allCases { try oracle.expect(file, holds: contents) }
    try workshop.expect(
      file, holds: contents, .verify, Talk(isShared: talk.isShared, kind: talk.kind))
  }

  @Test(arguments: edgeSizes, [true, false])
  func `a disk of any size comes back as it was`(size: Int, isShared: Bool) throws {
    let disk = Content.disk(1, "d", noise(size, seed: UInt64(size)))
    try roundTrip([disk], Talk(isShared: isShared))
  }

  @Test(arguments: [true, false], [Job.OutputKind.file, .pipe])
  func `holes and zeros are told apart wherever they lie`(
    isShared: Bool, kind: Job.OutputKind
  ) throws {
    let contents: [Content] = [
      .config(7, "vm.conf", Array("memory: 512\n".utf8)), .config(8, "empty", []),
      .config(9, "zeros", [UInt8](repeating: 0, count: 70_000)),
      .disk(1, "every-second-block", noise(9 << 20 | 512, seed: 1) { $0 % 2 == 0 }),
      .disk(2, "every-second-cluster", noise(8 << 20, seed: 2) { $0 / 16 % 2 == 0 }),
      .disk(3, "last-block-only", noise(2 << 20 | 512, seed: 3) { $0 != 512 }),
      .disk(4, "first-block-only", noise(2 << 20 | 7, seed: 4) { $0 != 0 }),
      .disk(5, "nothing", noise(70 << 20 | 1, seed: 5) { _ in true }),
      .disk(6, "irregular", noise(5 << 20, seed: 6) { $0 * $0 / 7 % 3 == 0 }),
    ]
    try roundTrip(contents, Talk(isShared: isShared, kind: kind))
  }

  @Test func `without masks and holes every byte is stored`() throws {
    let disk = Content.disk(1, "d", noise(3 << 20 | 4609, seed: 9) { $0 % 2 == 0 })
    try roundTrip([disk], Talk(masks: false))
  }

  @Test(arguments: [
    "a disk with blanks", "größe", "名前", String(repeating: "n", count: 96),
    String(repeating: "n", count: 97), String(repeating: "é", count: 120), "back\\slash", "-rf",
  ])
  func `names of any letters and length are kept`(name: String) throws {
    try roundTrip([
      .disk(1, name, noise(300_000, seed: 1) { $0 / 16 == 2 }), .disk(2, "d", [1, 2, 3]),
      .config(3, name + "x", Array("x".utf8)),
    ])
  }

  @Test(arguments: [true, false], [Job.OutputKind.file, .pipe])
  func `the state of a machine is stored with its zeros, wherever it comes`(
    isShared: Bool, kind: Job.OutputKind
  ) throws {
    let (config, disk) = (Content.config(1, "c", [1]), Content.disk(2, "d", noise(70_000, seed: 1)))
    for size in [1, 300_077, 5 << 20] {
      let state = Content.state(3, noise(size, seed: 2) { $0 % 3 == 0 })
      for contents in [[config, disk, state], [state, disk, config], [state]] {
        try roundTrip(contents, Talk(isShared: isShared, kind: kind))
      }
    }
    try roundTrip([.state(3, [])], Talk(isShared: isShared, kind: kind))
  }

  @Test func `zeros that come where data was announced are stored`() throws {
    let disk = Content.disk(1, "d", [UInt8](repeating: 0, count: 5 << 20 | 300))
    let (file, finished) = try workshop.writeZeros(disk)
    #expect(finished.storedBytes > UInt64(disk.bytes.count))
    for oracle in Oracle.allCases { try oracle.expect(file, holds: [disk]) }
    try workshop.expect(file, holds: [disk])
  }

  @Test(arguments: [64 << 10, 256 << 10, 4 << 20])
  func `slots of any size do`(slotBytes: Int) throws {
    let disk = Content.disk(1, "d", noise(9 << 20 | 4608, seed: 3) { $0 / 100 % 3 == 0 })
    try roundTrip([disk], Talk(shape: PoolShape(slotCount: 4, slotBytes: slotBytes)))
  }

  @Test(
    arguments: [("zstd:1", "zstd"), ("zstd", "zstd"), ("gzip:1", "gzip")],
    [Job.OutputKind.file, .pipe])
  func `a compressed archive is decompressed by others and by us`(
    compression: (option: String, program: String), kind: Job.OutputKind
  ) throws {
    let contents: [Content] = [
      .disk(1, "d", noise(9 << 20 | 512, seed: 1) { $0 / 9 % 2 == 0 }), .config(2, "c", [0, 1]),
    ]
    let options: JSONObject = ["compress": .string(compression.option)]
    let file = try workshop.write(contents, Talk(options: options, kind: kind))
    try workshop.expect(file, holds: contents, .verify, Talk(kind: kind))
    let words =
      "cd \(file.place.directory) && mv archive a && \(compression.program) -dc < a > archive"
    #expect(try shell(words) == .exit(0))
    for oracle in Oracle.allCases { try oracle.expect(file, holds: contents) }
  }

  @Test func `disks are listed among the checksums where that is wanted`() throws {
    let disk = Content.disk(1, "d", noise(3 << 20 | 9, seed: 1) { $0 / 16 % 2 == 0 })
    let file = try workshop.write([disk], Talk(options: ["sha256sums": true]))
    try Oracle.tar.expect(file, holds: [disk])
    let words = "grep -q '  d.raw$' \(file.place.directory)/out/SHA256SUMS"
    #expect(try shell(words) == .exit(0))
    try workshop.expect(file, holds: [disk])
  }

  @Test func `an archive of nothing is one`() throws { try roundTrip([]) }

  @Test func `the time of members is the instant of the backup`() throws {
    let file = try workshop.write([.config(1, "c", [1])])
    let words = "TZ=UTC tar -tvf \(file.path) | grep -q '2026-01-31 20:00 c$'"
    #expect(try shell(words) == .exit(0))
  }
}
