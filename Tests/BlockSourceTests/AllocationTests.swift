import BackupProtocol
import Requests
import CommandLine
import Sandbox
import SharedPool
import System
import Testing

@testable import BlockSource

@Suite(.inTurns) struct AllocationTests {
  let shop: ImageFolder

  init() throws { shop = try ImageFolder() }

  private func map(_ name: String) throws -> [Extent] {
    let daemon = try shop.start([try shop.inspect(name)], .nbd)
    return try daemon.allocationMap(image: 0)
  }

  @Test func `data and holes of 64 KiB in turn are told apart`() throws {
    try shop.makeRaw("a.raw", bytes: 32 << 20) { $0 % 2 == 0 }
    try shop.shell("qemu-img convert -f raw -O qcow2 a.raw a.qcow2")
    let expected = (0..<512).map {
      Extent(
        offset: UInt64($0) * Cluster.bytes, length: Cluster.bytes, kind: $0 % 2 == 0 ? .data : .hole
      )
    }
    #expect(try map("a.raw") == expected)
    #expect(try map("a.qcow2") == expected)
  }

  @Test(arguments: [("raw", "truncate -s 1T"), ("qcow2", "qemu-img create -q -o size=1T -f qcow2")])
  func `a sparse disk of 1 TiB is mapped at once`(format: String, maker: String) throws {
    try shop.shell(
      """
      \(maker) a.\(format) && \
      qemu-io -f \(format) -c 'write 600G 64k' a.\(format)
      """)
    let start = MonotonicTime.now
    let got = try map("a.\(format)")
    let seconds = MonotonicTime.now.seconds(since: start)
    let place: UInt64 = 600 << 30
    #expect(
      got == [
        Extent(offset: 0, length: place, kind: .hole),
        Extent(offset: place, length: Cluster.bytes, kind: .data),
        Extent(
          offset: place + Cluster.bytes, length: (424 << 30) - Cluster.bytes, kind: .hole),
      ])
    // It takes 0.1 s; the machine may be busy with other tests.
    #expect(seconds < 5)
  }

  @Test func `zero clusters over data read as zeros, holes over data as data`() throws {
    try shop.makeRaw("base.raw", bytes: 4 << 20)
    try shop.shell(
      """
      qemu-img create -q -f qcow2 -b base.raw -F raw a.qcow2 && \
      qemu-io -c 'write -z 1M 1M' a.qcow2
      """)
    let got = try map("a.qcow2")
    #expect(got.map(\.offset) == [0, 1 << 20, 2 << 20])
    #expect(got[0].kind == .data && got[1].kind != .data && got[2].kind == .data)
  }
}
