import BackupProtocol
import CommandLine
import Glibc
import Requests
import Sandbox
import SharedPool
import Testing

@testable import BlockSource

/// How the images of these tests are made, and under which name the result stands.
struct Recipe: Sendable, CustomTestStringConvertible {
  let name: String
  let format: ImageFormat
  let command: String
  var testDescription: String { name }

  init(_ name: String, _ format: ImageFormat, _ command: String) {
    self.name = name
    self.format = format
    self.command = command
  }

  /// Each turns `base.raw` (5 MiB + 64 KiB, every third 64 KiB a hole) into an image.
  static let all: [Recipe] = [
    Recipe("plain.qcow2", .qcow2, "qemu-img convert -f raw -O qcow2 base.raw plain.qcow2"),
    Recipe("packed.qcow2", .qcow2, "qemu-img convert -c -f raw -O qcow2 base.raw packed.qcow2"),
    Recipe(
      "zstd.qcow2", .qcow2,
      "qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd base.raw zstd.qcow2"),
    Recipe(
      "old.qcow2", .qcow2,
      "qemu-img convert -f raw -O qcow2 -o compat=0.10,cluster_size=4k base.raw old.qcow2"),
    Recipe(
      "over.qcow2", .qcow2,
      """
      qemu-img create -q -f qcow2 -b base.raw -F raw over.qcow2 && \
      qemu-io -c 'write -P 7 100k 300k' -c 'write -z 1M 1M' -c 'discard 3M 1M' over.qcow2
      """),
    Recipe(
      "third.qcow2", .qcow2,
      """
      qemu-img convert -f raw -O qcow2 base.raw first.qcow2 && \
      qemu-img create -q -f qcow2 -b first.qcow2 -F qcow2 second.qcow2 && \
      qemu-io -c 'write -P 9 2M 200k' second.qcow2 && \
      qemu-img create -q -f qcow2 -b second.qcow2 -F qcow2 third.qcow2 && \
      qemu-io -c 'write -P 5 3M 20k' third.qcow2
      """),
    Recipe(
      "apart.qcow2", .qcow2,
      "qemu-img convert -f raw -O qcow2 -o data_file=$PWD/apart.data base.raw apart.qcow2"),
    Recipe("sparse.vmdk", .vmdk, "qemu-img convert -f raw -O vmdk base.raw sparse.vmdk"),
    Recipe(
      "stream.vmdk", .vmdk,
      "qemu-img convert -f raw -O vmdk -o subformat=streamOptimized base.raw stream.vmdk"),
    Recipe(
      "flat.vmdk", .vmdk,
      "qemu-img convert -f raw -O vmdk -o subformat=monolithicFlat base.raw flat.vmdk"),
    Recipe(
      "split.vmdk", .vmdk,
      "qemu-img convert -f raw -O vmdk -o subformat=twoGbMaxExtentSparse base.raw split.vmdk"),
    Recipe(
      "child.vmdk", .vmdk,
      """
      qemu-img convert -f raw -O vmdk base.raw parent.vmdk && \
      qemu-img create -q -f vmdk -b parent.vmdk -F vmdk child.vmdk && \
      qemu-io -c 'write -P 6 1M 100k' child.vmdk
      """),
    Recipe("disk.vdi", .vdi, "qemu-img convert -f raw -O vdi base.raw disk.vdi"),
    Recipe("disk.vhdx", .vhdx, "qemu-img convert -f raw -O vhdx base.raw disk.vhdx"),
    Recipe("disk.vhd", .vpc, "qemu-img convert -f raw -O vpc base.raw disk.vhd"),
    Recipe(
      "fixed.vhd", .vpc, "qemu-img convert -f raw -O vpc -o subformat=fixed base.raw fixed.vhd"),
    Recipe(
      "disk.qed", .qed,
      """
      qemu-img create -q -f qed -b base.raw -F raw disk.qed && \
      qemu-io -c 'write 64k 4k' disk.qed
      """),
    Recipe(
      "disk.hdd", .parallels, "qemu-img convert -f raw -O parallels base.raw disk.hdd"),
  ]
}

@Suite(.inTurns) struct ReadingTests {
  let shop: ImageFolder
  let pool: SharedPool

  init() throws {
    shop = try ImageFolder()
    pool = try SharedPool(PoolShape(), name: "pool")
  }

  @Test(arguments: Recipe.all, Transport.allCases)
  func `an image is read as QEMU reads it`(_ recipe: Recipe, transport: Transport) throws {
    try shop.makeRaw("base.raw", bytes: (5 << 20) + (64 << 10)) { $0 % 3 != 0 }
    try shop.shell(recipe.command)
    let format = recipe.format == .parallels ? recipe.format : nil
    let image = try shop.inspect(recipe.name, format: format)
    #expect(image.format == recipe.format)
    let expected = try shop.content(of: recipe.name, format: recipe.format.rawValue)
    #expect(image.size == UInt64(expected.count))
    try expectContent(expected, of: image, by: transport)
  }

  @Test(arguments: [1, 511, 512, 513, 4095, 4097, 65_535, 65_537, 1 << 20, (1 << 20) + 1])
  func `a raw file keeps its length to the byte`(bytes: Int) throws {
    try shop.makeRaw("odd.img", bytes: bytes)
    let image = try shop.inspect("odd.img")
    #expect(image.size == UInt64(bytes))
    let expected = try shop.bytes(of: "odd.img")
    for transport in Transport.allCases { try expectContent(expected, of: image, by: transport) }
  }

  @Test(arguments: Transport.allCases)
  func `an empty disk has nothing to read`(transport: Transport) throws {
    try shop.shell("truncate -s 0 empty.raw; qemu-img create -q -f qcow2 empty.qcow2 0")
    for name in ["empty.raw", "empty.qcow2"] {
      let image = try shop.inspect(name)
      #expect(image.size == 0)
      try expectContent([], of: image, by: transport)
    }
  }

  @Test func `a raw file is never taken for what a guest wrote into it`() throws {
    try shop.shell("qemu-img create -q -f qcow2 trap.raw 1M")
    let image = try shop.inspect("trap.raw")
    #expect(image.format == .raw)
    try expectContent(try shop.bytes(of: "trap.raw"), of: image, by: .vhostUser)
  }

  @Test func `a backing name begins where the link to its image lies, as for QEMU`() throws {
    try shop.shell("mkdir vm store")
    try shop.makeRaw("vm/base.raw", bytes: 1 << 20)
    try shop.makeRaw("store/base.raw", bytes: 1 << 20, isData: { $0 % 2 == 0 })
    try shop.shell(
      """
      (cd store && qemu-img create -q -f qcow2 -b base.raw -F raw d.qcow2) && \
      ln -s ../store/d.qcow2 vm/d.qcow2
      """)
    let beside = try shop.content(of: "vm/d.qcow2", format: "qcow2")
    #expect(beside == (try shop.bytes(of: "vm/base.raw")))
    try expectContent(beside, of: try shop.inspect("vm/d.qcow2"), by: .vhostUser)
    let own = try shop.bytes(of: "store/base.raw")
    try expectContent(own, of: try shop.inspect("store/d.qcow2"), by: .vhostUser)
  }

  @Test(arguments: [
    "a b,c=d.qcow2", "\"quoted\" \\.qcow2", "größe ☃.qcow2", "a:b.qcow2", "%s\t.qcow2",
  ])
  func `a strange name is a name`(name: String) throws {
    try shop.makeRaw("base.raw", bytes: 1 << 20)
    try shop.shell("qemu-img convert -f raw -O qcow2 base.raw x")
    #expect(rename(shop.path("x"), shop.path(name)) == 0)
    try expectContent(try shop.bytes(of: "base.raw"), of: try shop.inspect(name), by: .vhostUser)
  }

  @Test func `three disks of one job are served by one daemon`() throws {
    var images: [InspectedImage] = []
    for index in 0..<3 {
      try shop.makeRaw("\(index).raw", bytes: (index + 1) << 20)
      images.append(try shop.inspect("\(index).raw"))
    }
    let daemon = try shop.start(images, .vhostUser)
    for index in 0..<3 {
      let reader = try daemon.reader(image: index, pool: pool)
      let read = try readAll(reader, pool: pool, size: images[index].size)
      let same = try read.bytes == shop.bytes(of: "\(index).raw")
      #expect(same)
    }
    _ = daemon.stop()
  }

  private func expectContent(
    _ expected: [UInt8], of image: InspectedImage, by transport: Transport
  ) throws {
    let daemon = try shop.start([image], transport)
    let reader = try daemon.reader(image: 0, pool: pool)
    let (bytes, failures) = try readAll(reader, pool: pool, size: image.size)
    #expect(failures.isEmpty)
    let same = bytes == expected
    #expect(same)
    try expectMap(try daemon.allocationMap(image: 0), tells: expected)
    reader.close()
    let usage = try #require(daemon.stop())
    #expect(usage.peakBytes > 1 << 20)
  }

  /// The map covers the disk, and what it leaves out is zero.
  private func expectMap(_ map: [Extent], tells content: [UInt8]) throws {
    var end: UInt64 = 0
    var isRight = true
    for extent in map {
      isRight = isRight && extent.offset == end && extent.length > 0 && end % Cluster.bytes == 0
      end = extent.end
      if extent.kind != .data, end <= content.count {
        isRight = isRight && isZeros(content, Int(extent.offset)..<Int(end))
      }
    }
    #expect(isRight && end == UInt64(content.count))
  }
}
