import BackupProtocol
import CommandLine
import Glibc
import Sandbox
import System
import Testing

@testable import BlockSource

@Suite(.inTurns) struct ChangeMapTests {
  let shop: ImageFolder

  init() throws { shop = try ImageFolder() }

  /// The map of a qcow2 as of a spool with a bitmap, both made by QEMU's own tools.
  private func map(
    _ size: UInt64, changes: ChangeRecord, before: String = "", _ writes: String
  ) throws -> [Extent] {
    try shop.shell(
      """
      qemu-img create -q -f qcow2 spool \(size) && \(before.isEmpty ? "true" : before) && \
      qemu-img bitmap --add -g 65536 spool marks && \(writes) && \
      qemu-img bitmap --disable spool marks
      """)
    let file = try openFile(shop.path("spool"), flags: O_RDWR)
    let daemon = try StorageDaemon.start(
      spools: [Spool(name: "disk", size: size, descriptor: file.raw, changes: changes)],
      launcher: shop.launcher, mode: .auto)
    return try daemon.allocationMap(image: 0)
  }

  private func record(_ size: UInt64) -> ChangeRecord {
    ChangeRecord(bitmap: "marks", parentBytes: size)
  }

  private func text(_ map: [Extent]) -> String {
    map.map { "\($0.offset >> 16)+\($0.length >> 16) \($0.kind)" }.joined(separator: ", ")
  }

  @Test func `what is clean is unchanged, and the rest is what it holds`() throws {
    let got = try map(
      4 << 20, changes: record(4 << 20), before: "qemu-io -c 'write 0 1M' spool >null",
      "qemu-io -c 'write 128k 64k' -c 'write -z 256k 64k' -c 'discard 384k 64k' -c 'write 3M 1' "
        + "spool >null")
    let kinds = text(got).replacing("hole", with: "zero")
    #expect(
      kinds == """
        0+2 unchanged, 2+1 data, 3+1 unchanged, 4+1 zero, 5+1 unchanged, 6+1 zero, 7+41 unchanged, \
        48+1 data, 49+15 unchanged
        """)
  }

  @Test func `nothing changed is one extent, and so is everything`() throws {
    #expect(try text(map(4 << 20, changes: record(4 << 20), "true")) == "0+64 unchanged")
    try shop.shell("rm spool")
    let all = "qemu-io -c 'write 0 4M' spool >null"
    #expect(try text(map(4 << 20, changes: record(4 << 20), all)) == "0+64 data")
  }

  @Test(arguments: [(-65537, 62), (-65536, 63), (-1, 63), (0, 64), (1, 64), (65536, 64)])
  func `nothing beyond the parent's end is unchanged`(more: Int, clusters: UInt64) throws {
    let size: UInt64 = 4 << 20
    let got = try map(size, changes: record(size.advanced(by: more)), "true")
    #expect(got.first == Extent(offset: 0, length: clusters << 16, kind: .unchanged))
    #expect(got.last?.end == size && got.dropFirst().allSatisfy { $0.kind == .hole })
  }

  @Test(arguments: [(512, true), (0, false), (1024, false), (65536, false)])
  func `a last cluster that is not whole is unchanged only if both disks end there`(
    parentRest: UInt64, isUnchanged: Bool
  ) throws {
    let whole: UInt64 = 1 << 20
    let got = try map(whole + 512, changes: record(whole + parentRest), "true")
    #expect(got.last?.kind == (isUnchanged ? .unchanged : .hole) && got.last?.end == whole + 512)
    #expect(got.count == (isUnchanged ? 1 : 2))
  }

  @Test func `a bitmap that is not shown is an error, not a full backup`() throws {
    #expect(throws: SourceError.self) {
      try map(1 << 20, changes: ChangeRecord(bitmap: "others", parentBytes: 1 << 20), "true")
    }
  }

  @Test func `both maps together are those of each cluster`() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let clusters = UInt64.random(in: 1...40, using: &random)
      let size = clusters << 16 - UInt64.random(in: 0...3, using: &random) * 512
      let kinds: [Extent.Kind] = [.data, .zero, .hole]
      let held = (0..<clusters).map { _ in kinds.randomElement(using: &random)! }
      let dirty = (0..<clusters).map { _ in Bool.random(using: &random) }
      let parentBytes = Bool.random(using: &random) ? size : UInt64.random(in: 0...(size + 9 << 9))
      var (allocation, changes): ([Extent], [Extent]) = ([], [])
      for index in 0..<clusters {
        let end = min(size, (index + 1) << 16)
        allocation.append(upTo: end, held[Int(index)])
        changes.append(upTo: end, dirty[Int(index)] ? .data : .unchanged)
      }
      let record = ChangeRecord(bitmap: "", parentBytes: parentBytes)
      var expected: [Extent] = []
      for index in 0..<clusters {
        let end = min(size, (index + 1) << 16)
        let isInParent = size == parentBytes || (end % 65536 == 0 && end <= parentBytes)
        let isClean = !dirty[Int(index)] && isInParent
        expected.append(upTo: end, isClean ? .unchanged : held[Int(index)])
      }
      #expect(record.map(allocation, changes, size: size) == expected)
    }
  }

  @Test func `a shredded map stays below the protocol's limit, and no change is lost`() {
    let size: UInt64 = 256 << 30
    var (allocation, changes) = (
      ExtentBuilder(size: size), ExtentBuilder(size: size, limit: 512 << 10)
    )
    for index in 0..<(4 << 20) as Range<UInt64> {
      allocation.add(length: 65536, kind: index % 3 == 0 ? .data : .hole)
      changes.add(length: 65536, kind: index % 2 == 0 ? .data : .unchanged)
    }
    let record = ChangeRecord(bitmap: "", parentBytes: size)
    let map = record.map(allocation.finish(), changes.finish(), size: size)
    #expect(map.count <= 1 << 20 && map.last?.end == size)
    #expect(
      map.allSatisfy { $0.kind != .unchanged || $0.length == 65536 && $0.offset >> 16 % 2 == 1 })
  }
}
