import CommandLine
import Glibc
import Requests
import Sandbox
import SharedPool
import Synchronization
import System
import Testing

@testable import BlockSource

/// Whoever may write to an image's directory exchanges files between the inspection and the
/// reading: what is read is what was inspected.
@Suite(.inTurns) struct ExchangeTests {
  let shop: ImageFolder
  static let rounds = 8

  init() throws {
    shop = try ImageFolder()
    // Of the length of the disks below, as an attacker would choose one.
    try shop.shell(
      "mkdir -m 700 private && head -c 1048576 /dev/zero | tr '\\0' S > private/secret")
  }

  private func disk(_ image: InspectedImage) throws -> [UInt8] {
    let daemon = try shop.start([image], .nbd)
    let pool = try SharedPool(PoolShape(slotCount: 4), name: "pool")
    let reader = try daemon.reader(image: 0, pool: pool)
    let read = try readAll(reader, pool: pool, size: image.size)
    #expect(read.failures.isEmpty)
    return read.bytes
  }

  /// What the names of an image lead to, each exchanged for a link once it was looked at.
  @Test(arguments: [
    "top.raw": "top.raw", "base.raw": "over.qcow2", "data.bin": "data.qcow2",
    "flat.bin": "text.vmdk",
  ])
  func `a file that is exchanged after the inspection is read as it was inspected`(
    victim: String, image: String
  ) throws {
    for name in ["top.raw", "base.raw", "flat.bin"] { try shop.makeRaw(name, bytes: 1 << 20) }
    try shop.shell(
      """
      qemu-img create -q -f qcow2 -b base.raw -F raw over.qcow2 && \
      qemu-img convert -f raw -O qcow2 -o data_file=data.bin,data_file_raw=on top.raw data.qcow2
      """)
    try shop.makeDescriptor("text.vmdk", "RW 2048 FLAT \"flat.bin\" 0")
    let expected = try shop.bytes(of: victim == "data.bin" ? "top.raw" : victim)
    for _ in 0..<Self.rounds {
      let inspected = try shop.inspect(image)
      try shop.shell("mv \(victim) kept && ln -s private/secret \(victim)")
      let isSame = try disk(inspected) == expected
      #expect(isSame, "\(image) was read through the exchanged \(victim)")
      try shop.shell("mv kept \(victim)")
    }
  }

  @Test func `files that are exchanged all the time never lead to a secret`() throws {
    try shop.makeRaw("base.raw", bytes: 1 << 20)
    try shop.shell(
      """
      qemu-img create -q -f qcow2 -b base.raw -F raw over.qcow2 && cp base.raw good
      """)
    let exchanger = try Exchanger(
      shop.path("base.raw"), shop.path("good"), shop.path("private/secret"))
    var readCount = 0
    for _ in 0..<40 {
      // An inspection that sees the link refuses it.
      guard let image = try? shop.inspect("over.qcow2"), let bytes = try? disk(image) else {
        continue
      }
      readCount += 1
      #expect(bytes.first != UInt8(ascii: "S"), "the secret was read")
    }
    exchanger.stop()
    #expect(readCount > 0, "never read: the attack proves nothing")
  }

  @Test func `without namespaces an exchanged file cannot be opened`() throws {
    try shop.makeRaw("a.raw", bytes: 1 << 20)
    let image = try shop.inspect("a.raw")
    try shop.shell("mv a.raw kept && ln -s private/secret a.raw")
    var policy = SandboxPolicy.storageDaemon(files: try [image].grants(), imageCount: 1)
    policy.hasNewRoot = false
    policy.namespaces = []
    let words = try CapturedWords(limit: 4096, name: "words")
    let null = try openFile("/dev/null", flags: O_RDWR)
    let node =
      #"{"driver":"file","node-name":"n","read-only":true,"filename":"\#(shop.path("a.raw"))"}"#
    let process = try HelperProcess(
      name: "qemu-storage-daemon", arguments: ["--blockdev", node],
      descriptors: [(null.raw, 0), (null.raw, 1), (words.descriptor, 2)],
      policy: policy, launcher: shop.launcher, mode: .auto)
    let end = try process.waitForEnd(until: MonotonicTime.now.advanced(bySeconds: 10))
    #expect(
      end == .exited(1) && words.lastWords().contains("Permission denied"), "\(words.lastWords())")
  }

  @Test func `a directory that is exchanged for a link does not lead out of the allowed ones`()
    throws
  {
    try shop.shell("mkdir d x && cp private/secret x/base.raw")
    try shop.makeRaw("d/base.raw", bytes: 1 << 20)
    try shop.shell(
      "qemu-img create -q -f qcow2 -b ../d/base.raw -F raw d/over.qcow2 && ln -s x away")
    let image = try shop.inspect("d/over.qcow2")
    let expected = try shop.bytes(of: "d/base.raw")
    try shop.shell("mv d kept && mv away d")
    let isSame = try disk(image) == expected
    #expect(isSame)
  }
}

extension ExchangeTests {
  @Test func `an image that is written is the one that was opened, whatever has its name`() throws {
    try shop.shell(
      """
      qemu-img create -q -f qcow2 victim.qcow2 1M && qemu-img create -q -f qcow2 new.qcow2 1M && \
      cp victim.qcow2 before && chmod 600 new.qcow2
      """)
    let file = try openFile(shop.path("new.qcow2"), flags: O_RDWR)
    let memory = try SharedPool(PoolShape(slotCount: 1), name: "memory")
    unsafe memory.unsafeBytes(slot: 0).initializeMemory(as: UInt8.self, repeating: 7)
    try shop.shell("mv new.qcow2 kept && ln -s victim.qcow2 new.qcow2")
    let image = try WritableImage(
      file, path: shop.path("new.qcow2"), size: 1 << 20, memory: memory, launcher: shop.launcher,
      mode: .auto)
    try image.write(slot: 0, [0..<(1 << 20)], at: 0)
    try image.flush()
    image.stop()
    try shop.shell("cmp victim.qcow2 before")
    #expect(try shop.content(of: "kept", format: "qcow2").allSatisfy { $0 == 7 })
  }
}

/// A thread that makes a name lead to a file and, by a link, to another, as fast as it can.
final class Exchanger: Sendable {
  private let isWanted: Toggle
  private let thread: WorkerThread

  final class Toggle: Sendable {
    let isOn = Atomic(true)
  }

  init(_ name: String, _ good: String, _ secret: String) throws {
    let toggle = Toggle()
    isWanted = toggle
    thread = try WorkerThread(name: "exchanger") {
      let other = name + ".other"
      while toggle.isOn.load(ordering: .relaxed) {
        link(good, other)
        rename(other, name)
        usleep(500)
        symlink(secret, other)
        rename(other, name)
        usleep(100)
      }
    }
  }

  func stop() {
    isWanted.isOn.store(false, ordering: .relaxed)
    thread.join()
  }
}
