import CommandLine
import System
import Testing

/// Lengths and patterns at the edges of sectors, blocks, clusters and slots.
@Suite(.inTurns) struct SizeTests {
  /// One below, at and above every unit there is, and a few odd ones.
  static let sizes: [Int64] = [
    0, 1, 2, 511, 512, 513, 1023, 1024, 1025, 3584, 4095, 4096, 4097, 4608, 8191, 8192, 8193,
    65_023, 65_024, 65_535, 65_536, 65_537, 66_048, 69_632, 131_071, 131_072, 131_073,
    1_048_575, 1_048_576, 1_048_577, 1_049_088, 1_052_671, 1_114_113,
    17_825_791, 17_825_792, 17_825_793, 17_826_305,
  ]

  /// All sizes are disks of one job: what one job does to each, it does to all.
  @Test(arguments: ["vhost-user", "nbd"], ["auto", "off"])
  func `a raw disk keeps its length to the byte`(transport: String, memory: String) async throws {
    var trip = try RoundTrip()
    trip.arguments = ["--transport", transport, "--shared-memory", memory]
    for size in Self.sizes {
      try trip.place.makeSparse("\(size).raw", bytes: size, data: [(0, Int(size))])
    }
    try await trip.backUp(Self.sizes.map { "s\($0)=\($0).raw" })
    for size in Self.sizes where size > 0 {
      try await trip.place.shell("cmp \(size).raw archive/s\(size).raw")
    }
    trip.expectSuccess(try await trip.run(["verify", "archive"]))
    trip.expectSuccess(try await trip.run(["restore", "archive", "--to", "restored"]))
    try await trip.place.shell("for f in archive/*.raw; do cmp $f restored/${f##*/}; done")
    for size in Self.sizes {
      #expect(try trip.place.status("restored/s\(size).raw").size == size)
    }
  }

  /// Only the last byte is data: everything before it is a hole.
  @Test func `the last byte of a sparse disk is not lost`() async throws {
    let trip = try RoundTrip()
    let sizes = Self.sizes.filter { $0 > 0 }
    for size in sizes {
      try trip.place.makeSparse("\(size).raw", bytes: size, data: [(size - 1, 1)])
    }
    try await trip.backUp(sizes.map { "s\($0)=\($0).raw" })
    trip.expectSuccess(try await trip.run(["restore", "archive", "--to", "restored"]))
    try await trip.place.shell("for f in *.raw; do cmp $f restored/s$f; done")
    #expect(try trip.place.status("restored/s17825793.raw").storedBytes <= 8192)
  }

  @Test(arguments: ["0", "512", "1536", "66048", "1049088"])
  func `a qcow2 disk of odd sectors keeps its length`(size: String) async throws {
    let trip = try RoundTrip()
    try await trip.place.shell("qemu-img create -q -f qcow2 d.qcow2 \(size)")
    if size != "0" {
      try await trip.place.shell("qemu-io -c 'write -P 5 \(Int(size)! - 512) 512' d.qcow2")
    }
    try await trip.backUp(["d=d.qcow2"])
    try await trip.expectRestored([("d", "d.qcow2", "qcow2")])
  }

  /// 64 KiB of data, 64 KiB of hole, and so on for 32 MiB.
  @Test(arguments: ["vhost-user", "nbd"])
  func `alternating data and holes stay exactly that`(transport: String) async throws {
    var trip = try RoundTrip()
    trip.arguments = ["--transport", transport]
    let data = stride(from: Int64(0), to: 32 << 20, by: 128 << 10).map { ($0, 64 << 10) }
    try trip.place.makeSparse("d.raw", bytes: 32 << 20, data: data)
    try await trip.backUp(["d=d.raw"])
    try await trip.expectRestored([("d", "d.raw", "raw")])
    #expect(try trip.place.dataBytes("archive/d.raw") == 16 << 20)
    #expect(try trip.place.dataBytes("restored/d.raw") == 16 << 20)
  }

  /// Zeros that are written are holes in the archive, to the block of 4 KiB.
  @Test func `blocks of zeros become holes of four KiB`() async throws {
    let trip = try RoundTrip()
    try trip.place.makeSparse("d.raw", bytes: 8 << 20, data: [(0, 8 << 20)])
    for block in stride(from: Int64(0), to: 8 << 20, by: 8192) {
      try trip.place.write("d.raw", [UInt8](repeating: 0, count: 4096), at: block)
    }
    #expect(try trip.place.dataBytes("d.raw") == 8 << 20)
    try await trip.backUp(["d=d.raw"])
    try await trip.expectRestored([("d", "d.raw", "raw")])
    #expect(try trip.place.dataBytes("archive/d.raw") == 4 << 20)
    #expect(try trip.place.dataBytes("restored/d.raw") == 4 << 20)
  }

  @Test(arguments: ["raw", "qcow2"])
  func `a TiB of nothing is backed up, verified and restored`(format: String) async throws {
    let trip = try RoundTrip()
    try await trip.place.shell("qemu-img create -q -f \(format) d.\(format) 1T")
    try await trip.place.shell("qemu-io -f \(format) -c 'write -P 8 1023G 128k' d.\(format)")
    try await trip.backUp(["d=d.\(format)"])
    trip.expectSuccess(try await trip.run(["verify", "archive"]))
    trip.expectSuccess(try await trip.run(["restore", "archive", "--to", "restored"]))
    for file in ["archive/d.raw", "restored/d.raw"] {
      #expect(try trip.place.status(file).size == 1 << 40)
      #expect(try trip.place.status(file).storedBytes == 128 << 10)
      try await trip.place.shell("qemu-io -r -f raw -c 'read -P 8 1023G 128k' \(file)")
    }
    try await trip.place.shell(
      "qemu-img compare -f \(format) -F raw d.\(format) restored/d.raw")
  }
}
