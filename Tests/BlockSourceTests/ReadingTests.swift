import Sandbox
import SharedPool
import Testing

@testable import BlockSource

@Suite struct ReadingTests {
  @Test(arguments: Transport.allCases)
  func `an image is read as QEMU reads it`(transport: Transport) throws {
    let shop = Workshop()
    try shop.makeRaw("a.raw", bytes: 5 << 20)
    try shop.shell("qemu-img convert -f raw -O qcow2 a.raw a.qcow2")
    let link = ChainLink(
      path: shop.path("a.qcow2"), format: .qcow2, isDevice: false, dataFile: nil, extents: [])
    let image = InspectedImage(
      name: "d", path: link.path, format: .qcow2, size: 5 << 20, chain: [link])
    let daemon = try StorageDaemon.start(
      images: [image], transport: transport, launcher: "", mode: .auto)
    let pool = try SharedPool(PoolShape(), name: "pool")
    let reader = try daemon.reader(image: 0, pool: pool)
    let (bytes, failures) = try readAll(reader, pool: pool, size: image.size)
    #expect(failures.isEmpty)
    let same = try bytes == shop.content(of: "a.qcow2", format: "qcow2")
    #expect(same)
    let map = try daemon.allocationMap(image: 0)
    #expect(map == [Extent(offset: 0, length: 5 << 20, kind: .data)])
    reader.close()
    #expect(daemon.stop() != nil)
  }
}
