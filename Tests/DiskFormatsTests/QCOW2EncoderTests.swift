import ArchiveBytes
import BackupProtocol
import CommandLine
import DiskFormats
import System
import Testing

@Suite(.inTurns, .enabled(if: Build.has("qemu-img"), "needs qemu-img"))
struct `A qcow2 image of a backup` {
  static let methods: [QCOW2Codec.Method?] = [nil, .zstd, .zlib]

  private func expectClean(_ place: Scratch, _ name: String) async throws {
    let report = try await place.shell("qemu-img check -f qcow2 \(name)", within: 120)
    #expect(report.contains("No errors were found"), "\(report)")
    var check = QCOW2Check(try QCOW2Reader(try FileBytes(place, name).window, backingBytes: 0))
    try check.run()
  }

  @Test(arguments: [0, 1, 127, 128, 129, 1000, 3001], methods)
  func `is clean and the same disk to qemu-img`(
    sectors: Int, method: QCOW2Codec.Method?
  ) async throws {
    var chain = try Chain(seed: UInt64(sectors), method: method)
    try chain.addLevel(sectors: sectors)
    try await expectClean(chain.place, chain.top)
    try await chain.place.shell("qemu-img compare -f qcow2 -F raw \(chain.top) disk.raw")
    let sink = MemorySink()
    try QCOW2Reader(try FileBytes(chain.place, chain.top).window).read(to: sink)
    #expect(sink.holds(chain.disk))
  }

  @Test(arguments: 0..<8, methods)
  func `reads with those below it as the disk was`(
    seed: Int, method: QCOW2Codec.Method?
  ) async throws {
    var chain = try Chain(seed: UInt64(seed), method: method)
    for sectors in [2000, 2000, 2001, 1500, 2300] {
      try chain.addLevel(sectors: sectors)
      try await expectClean(chain.place, chain.top)
      try await chain.place.shell("qemu-img compare -f qcow2 -F raw \(chain.top) disk.raw")
    }
    // By hand, on the day when there is only a rescue system.
    try await chain.place.shell(
      """
      set -e
      cp level4.qcow2 rebased.qcow2
      qemu-img rebase -f qcow2 -F qcow2 -b level2.qcow2 rebased.qcow2
      qemu-img check rebased.qcow2
      qemu-img compare -f qcow2 -F raw rebased.qcow2 disk.raw
      qemu-img commit -q -f qcow2 level4.qcow2
      qemu-img check level3.qcow2
      qemu-img compare -f qcow2 -F raw level3.qcow2 disk.raw
      """)
  }

  @Test func `has as many refcount blocks as it needs`() async throws {
    let place = try Scratch()
    // Blocks count 32768 clusters; what is packed between them crosses from one into the next.
    let image = try ImageMaker(place, "big.qcow2", capacity: 12 << 30, method: .zstd)
    for number in 0..<UInt64(100_000) {
      try image.note(number, packed: number % 3 == 0 ? 40_000 : number % 7 == 0 ? 100 : nil)
    }
    #expect(try image.finish() > 4 << 30)
    try await expectClean(place, "big.qcow2")
    let plain = try ImageMaker(place, "plain.qcow2", capacity: 5 << 30)
    for number in 0..<UInt64(80_000) { try plain.note(number) }
    try plain.finish()
    try await expectClean(place, "plain.qcow2")
  }

  @Test(arguments: [1 << 40, 2 << 50] as [UInt64])
  func `of a huge disk has its tables and no more`(capacity: UInt64) async throws {
    let place = try Scratch()
    let image = try ImageMaker(place, "huge.qcow2", capacity: capacity)
    try image.add(7, noise(65536, seed: 1))
    try image.add(capacity >> 16 - 1, noise(65536, seed: 2))
    try image.finish()
    let report = try await place.shell("qemu-img check -f qcow2 huge.qcow2")
    #expect(report.contains("No errors were found"), "\(report)")
    #expect(try place.status("huge.qcow2").storedBytes < 1 << 20)
    // The largest has millions of entries, too many for a debug build.
    guard capacity == 1 << 40 else { return }
    let sink = MemorySink(keeps: false)
    try QCOW2Reader(try FileBytes(place, "huge.qcow2").window).read(to: sink)
    #expect(sink.byteCount == capacity && sink.dataBytes == 2 << 16)
  }

  @Test func `of a disk that no image can hold is refused`() {
    #expect(throws: ArchiveError.self) { try QCOW2Encoder(capacityBytes: 2 << 50 + 512) }
    #expect(throws: ArchiveError.self) { try QCOW2Encoder(capacityBytes: 513) }
  }

  @Test func `tells zeros only where a backing file would shine through`() async throws {
    let place = try Scratch()
    try await place.shell("qemu-img create -q -f qcow2 base.qcow2 1025k")
    let backing = QCOW2Encoder.Backing(name: Array("base.qcow2".utf8), capacityBytes: 1025 << 10)
    let image = try ImageMaker(place, "top.qcow2", capacity: 1 << 44, backing: backing)
    for start in stride(from: UInt64(0), to: 1 << 28, by: 1 << 20) {
      try image.addZeros(start..<(start + 1 << 20))
    }
    // Header, L2, L1 of 256 KiB, refcount block and table.
    #expect(try image.finish() == (1 + 1 + 4 + 1 + 1) << 16)
    try await expectClean(place, "top.qcow2")
    let map = try await place.shell("qemu-img map -f qcow2 --output=json top.qcow2")
    #expect(
      map.contains(
        "\"start\": 0, \"length\": 1114112, \"depth\": 0, \"present\": true, \"zero\": true"),
      "\(map)")
  }

  @Test func `does not grow without bound by what has become zeros`() throws {
    let backing = QCOW2Encoder.Backing(name: [0x62], capacityBytes: 1 << 50)
    var encoder = try QCOW2Encoder(capacityBytes: 1 << 50, backing: backing)
    let terabyte: UInt64 = 1 << 24
    for place in 0..<UInt64(64) {
      try encoder.addZeros((place * terabyte)..<((place + 1) * terabyte))
      #expect(encoder.takePieces().count >= 2048)
    }
    let error = #expect(throws: ArchiveError.self) {
      try encoder.addZeros((64 * terabyte)..<(65 * terabyte))
    }
    #expect(error?.code == .tooLarge)
  }
}
