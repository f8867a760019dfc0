import CommandLine
import CLinux
import Glibc
import Requests
import Sandbox
import SharedPool
import System
import Testing

@testable import BlockSource

@Suite(.inTurns) struct FaultTests {
  let shop: ImageFolder
  let pool: SharedPool

  init() throws {
    shop = try ImageFolder()
    pool = try SharedPool(PoolShape(slotCount: 4), name: "pool")
  }

  /// A 4 MiB image of which one compressed cluster, at 1 MiB, cannot be unpacked: QEMU reports an
  /// I/O error there and goes on. No hook is needed to see a bad sector.
  private func makeDamaged() throws -> InspectedImage {
    try shop.makeRaw("base.raw", bytes: 4 << 20)
    // Half of each cluster is zeros, or the clusters would not be compressed at all.
    for start in stride(from: 0, to: 4 << 20, by: 64 << 10) {
      try shop.overwrite(
        "base.raw", at: Int64(start), with: [UInt8](repeating: 0, count: 32 << 10))
    }
    try shop.shell("qemu-img convert -c -f raw -O qcow2 base.raw a.qcow2")
    let bytes = try shop.bytes(of: "a.qcow2")
    func entry(_ at: UInt64) -> UInt64 {
      bytes[Int(at)..<Int(at) + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
    let table = entry(entry(40)) & 0x00FF_FFFF_FFFF_FE00
    let cluster = entry(table + 16 * 8)
    #expect(cluster >> 62 & 1 == 1, "the cluster is compressed")
    let place = cluster & ((1 << 54) - 1)
    try shop.overwrite("a.qcow2", at: Int64(place), with: [UInt8](repeating: 0xFF, count: 64))
    return try shop.inspect("a.qcow2")
  }

  @Test(arguments: Transport.allCases)
  func `a bad sector fails its piece and no other`(transport: Transport) throws {
    let image = try makeDamaged()
    let daemon = try shop.start([image], transport)
    let reader = try daemon.reader(image: 0, pool: pool)
    let (bytes, failures) = try readAll(reader, pool: pool, size: image.size)
    #expect(failures.map(\.offset) == [1 << 20])
    #expect(failures.map(\.code) == [EIO])
    let expected = try shop.bytes(of: "base.raw")
    let same =
      bytes[..<(1 << 20)] == expected[..<(1 << 20)]
      && bytes[(2 << 20)...] == expected[(2 << 20)...]
    #expect(same)
  }

  @Test(arguments: Transport.allCases)
  func `a reader notices that its daemon has gone`(transport: Transport) throws {
    try shop.makeRaw("a.raw", bytes: 4 << 20)
    let daemon = try shop.start([try shop.inspect("a.raw")], transport)
    let reader = try daemon.reader(image: 0, pool: pool)
    let usage = try #require(daemon.stop())
    #expect(usage.cpuSeconds > 0 && usage.peakBytes > 1 << 20)
    #expect {
      var poller = Poller()
      reader.addDescriptors(to: &poller)
      #expect(try poller.wait(seconds: 5) > 0)
      try reader.collect { _ in }
    } throws: { error in
      if case .daemonGone? = error as? SourceError { true } else { false }
    }
    reader.close()
  }

  @Test func `an image that vanishes after the inspection is named by the daemon`() throws {
    try shop.makeRaw("a.raw", bytes: 1 << 20)
    let image = try shop.inspect("a.raw")
    try shop.shell("rm a.raw")
    let daemon = try shop.start([image], .vhostUser)
    #expect {
      _ = try daemon.reader(image: 0, pool: pool)
    } throws: { error in
      "\(error)".contains("a.raw': No such file")
    }
  }

  @Test func `a file that became a locked one is named by the daemon`() throws {
    try shop.shell("qemu-img create -q -f qcow2 a.qcow2 1M")
    let image = try shop.inspect("a.qcow2")
    let writer = popen("exec qemu-io '\(shop.path("a.qcow2"))' >/dev/null 2>&1", "w")
    defer { pclose(writer) }
    usleep(500_000)
    let daemon = try shop.start([image], .nbd)
    #expect {
      _ = try daemon.allocationMap(image: 0)
    } throws: { error in
      guard case .daemonGone(let words)? = error as? SourceError else { return false }
      return words.contains("lock")
    }
  }

  @Test func `memory that QEMU cannot map is found out by the first read`() throws {
    try shop.makeRaw("a.raw", bytes: 1 << 20)
    let daemon = try shop.start([try shop.inspect("a.raw")], .vhostUser)
    // F_SEAL_FUTURE_WRITE: QEMU may not map it writable, and acknowledges it all the same.
    #expect(clinux_add_seals(pool.writableDescriptor, 16) == 0)
    #expect(throws: SourceError.self) { try daemon.reader(image: 0, pool: pool) }
  }

  @Test func `a missing launcher is an error, not a missing sandbox`() throws {
    try shop.makeRaw("a.raw", bytes: 1 << 20)
    let image = try shop.inspect("a.raw")
    #expect(throws: SourceError.self) {
      _ = try StorageDaemon.start(
        images: [image], transport: .nbd, launcher: shop.path("none"), mode: .auto)
    }
  }

  @Test func `nothing is left of a daemon`() throws {
    try shop.makeRaw("a.raw", bytes: 1 << 20)
    let image = try shop.inspect("a.raw")
    do {
      let daemon = try shop.start([image], .vhostUser)
      _ = try daemon.reader(image: 0, pool: pool)
      #expect(try running() != "")
    }
    // Its owner let go of it without a word.
    #expect(try running() == "")
  }

  private func running() throws -> String {
    try shop.shell("pgrep -f '[q]emu-storage-daemon.*\(shop.directory)' || true")
  }

  @Test func `a private socket has no name and can be reached`() throws {
    try shop.shell("mkdir tmp")
    let socket = try PrivateSocket(in: shop.path("tmp"))
    #expect(try shop.shell("ls -A tmp") == "")
    for _ in 0..<2 { _ = try socket.connect() }
    socket.dropListener()
    // A process that another test just makes has a copy of the listener until its exec.
    for _ in 0..<500 where (try? socket.connect()) != nil { usleep(10_000) }
    #expect(throws: SystemCallError.self) { _ = try socket.connect() }
  }
}
