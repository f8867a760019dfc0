import CommandLine
import Glibc
import Requests
import Sandbox
import SharedPool
import System
import Testing

import BackupProtocol
@testable import BlockSource

/// What QEMU can and cannot do where it runs.
@Suite(.inTurns) struct ConfinementTests {
  static let isRoot = geteuid() == 0
  let shop: ImageFolder

  init() throws { shop = try ImageFolder() }

  /// An image that says `extent` and was never looked at.
  private func forged(_ extent: String) throws -> InspectedImage {
    try shop.makeDescriptor("a.vmdk", "RW 8 FLAT \"\(extent)\" 0")
    let file = try ImageFile(try FilePlace(path: shop.path("a.vmdk")))
    let link = ChainLink(file: file, format: .vmdk, dataFile: nil, extents: [])
    return InspectedImage(name: "d", format: .vmdk, size: 4096, chain: [link])
  }

  @Test(arguments: ["/etc/passwd", "/etc/shadow", "/proc/self/environ"])
  func `a file that was not allowed cannot be opened by the daemon`(path: String) throws {
    let daemon = try shop.start([try forged(path)], .nbd)
    #expect {
      _ = try daemon.allocationMap(image: 0)
    } throws: { error in
      guard case .daemonGone(let words)? = error as? SourceError else { return false }
      return words.contains(path)
    }
  }

  @Test func `a daemon that wants the network is stopped and named`() throws {
    let words = try CapturedWords(limit: 4096, name: "words")
    let null = try openFile("/dev/null", flags: O_RDWR)
    let server = #"{"type":"inet","host":"127.0.0.1","port":"1"}"#
    let process = try HelperProcess(
      name: "qemu-storage-daemon",
      arguments: ["--blockdev", #"{"driver":"nbd","node-name":"n","server":\#(server)}"#],
      descriptors: [(null.raw, 0), (null.raw, 1), (words.descriptor, 2)],
      policy: .storageDaemon(files: [], imageCount: 1), launcher: shop.launcher,
      mode: .auto)
    let end = try process.waitForEnd(until: MonotonicTime.now.advanced(bySeconds: 10))
    guard case .stopped(let reason)? = end else {
      Issue.record("\(String(describing: end)): \(words.lastWords())")
      return
    }
    #expect(reason.hasPrefix("qemu-storage-daemon called socket(2)"))
  }

  @Test(.enabled(if: isRoot, "only root can become somebody else"), arguments: Transport.allCases)
  func `an ordinary user reads in the strict sandbox`(transport: Transport) throws {
    try shop.makeRaw("base.raw", bytes: 3 << 20)
    try shop.shell(
      """
      qemu-img convert -f raw -O qcow2 base.raw a.qcow2 && mkdir out && \
      chmod 755 . && chmod 777 out && chmod 644 a.qcow2 && \
      setpriv --reuid=65534 --regid=65534 --clear-groups \
      '\(shop.tool("source-run"))' '\(shop.launcher)' \(transport.rawValue) strict \
      out/a a.qcow2 && \
      cmp base.raw out/a
      """)
  }

  @Test(.enabled(if: isRoot, "only root can give a file away"))
  func `root reads the image of another user`() throws {
    try shop.makeRaw("base.raw", bytes: 1 << 20)
    try shop.shell(
      """
      qemu-img convert -f raw -O qcow2 base.raw a.qcow2 && \
      chown 1234:1234 a.qcow2 && chmod 400 a.qcow2 && \
      '\(shop.tool("source-run"))' '\(shop.launcher)' vhost-user strict out a.qcow2 && \
      cmp base.raw out
      """)
  }

  @Test(.enabled(if: isRoot, "only root can make a loop device"))
  func `a block device is read as it is`() throws {
    try shop.makeRaw("base.raw", bytes: 3 << 20)
    guard let device = try? shop.shell("losetup -f --show base.raw").split(separator: "\n").last
    else { try Test.cancel("no loop devices here") }
    defer { _ = try? shop.shell("losetup -d \(device)") }
    let image = try ImageInspector.inspect(
      ImageRequest(name: "d", path: String(device), format: nil, allowBacking: []),
      launcher: shop.launcher, mode: .auto)
    #expect(image.format == .raw && image.size == 3 << 20)
    let daemon = try shop.start([image], .vhostUser)
    let pool = try SharedPool(PoolShape(slotCount: 4), name: "pool")
    let reader = try daemon.reader(image: 0, pool: pool)
    let same = try readAll(reader, pool: pool, size: image.size).bytes == shop.bytes(of: "base.raw")
    #expect(same)
  }

  @Test func `more disks than sockets can be inherited are read all the same`() throws {
    var images: [InspectedImage] = []
    for index in 0..<20 {
      try shop.makeRaw("\(index).raw", bytes: 64 << 10)
      try shop.shell(
        "qemu-img create -q -f qcow2 -b \(index).raw -F raw \(index).qcow2")
      images.append(try shop.inspect("\(index).qcow2"))
    }
    let daemon = try shop.start(images, .vhostUser)
    let pool = try SharedPool(PoolShape(slotCount: 4), name: "pool")
    for index in 0..<20 {
      let reader = try daemon.reader(image: index, pool: pool)
      let read = try readAll(reader, pool: pool, size: images[index].size)
      #expect(try read.bytes == shop.bytes(of: "\(index).raw"))
      #expect(try daemon.allocationMap(image: index).first?.kind == .data)
    }
  }
}
