import BackupProtocol
import CommandLine
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

let canAskQEMU = Build.has("qemu-img")

@Suite(.inTurns, .enabled(if: canAskQEMU, "needs qemu-img"))
struct `Writing a directory of qcow2 images` {
  /// Runs a whole job and checks everything that can be checked from outside.
  private func roundTrip(_ contents: [Content], _ talk: Talk) async throws {
    let place = try Scratch()
    let finished = try workshop.write(contents, to: place, talk)
    let receipt = try Receipt(parsing: place.bytes("manifest.json"))
    #expect(receipt.streams.map(\.name) == contents.map(\.stream.name))
    #expect(receipt.format == "qcow2" && receipt.level == .full && receipt.parent == nil)
    #expect(receipt.tools == ["test 1", "qcow2 writer 0.1.0"])
    var expected = ["manifest.json"]
    for (content, stream) in zip(contents, receipt.streams) {
      let isDisk = content.stream.kind == .disk
      let name = content.stream.name + (isDisk ? ".qcow2" : "")
      expected.append(name)
      #expect(stream.digest == treeDigest(content.bytes) && stream.role == content.stream.role)
      #expect(try FileStatus(path: name, in: place.descriptor.raw).permissions == 0o600)
      guard isDisk else {
        #expect(areEqual(try place.bytes(name), content.bytes))
        continue
      }
      try await expectImage(place, name, of: content.bytes)
    }
    #expect(try place.names() == (expected + ["disk.raw"]).sorted())
    for artefact in finished.artefacts {
      #expect(try place.status(artefact.name).size == Int64(artefact.size))
    }
    #expect(finished.artefacts.map(\.name).sorted() == expected.sorted())
  }

  private func expectImage(_ place: Scratch, _ name: String, of bytes: [UInt8]) async throws {
    try place.create("disk.raw", bytes)
    let quoted = name.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''")
    let report = try await place.shell(
      """
      set -e
      qemu-img check -f qcow2 './\(quoted)'
      qemu-img compare -f raw -F qcow2 disk.raw './\(quoted)'
      """)
    #expect(report.contains("No errors were found"), "\(report)")
  }

  @Test(arguments: [0] + edgeSectorSizes, compressions)
  func `a disk of any size comes out as it went in`(size: Int, compress: String) async throws {
    let disk = Content.disk(1, "d", noise(size, seed: UInt64(size)) { $0 % 40 == 7 })
    try await roundTrip([disk], Talk(options: ["compress": .string(compress)]))
  }

  @Test(arguments: [true, false], compressions)
  func `zeros and data in any pattern`(isShared: Bool, compress: String) async throws {
    let text = Array("the same line again and again\n".utf8)
    let disks: [Content] = [
      .disk(1, "every-second-block", noise(1 << 20 | 512, seed: 1) { $0 % 2 == 0 }),
      .disk(2, "every-second-cluster", noise(4 << 20, seed: 2) { $0 / 16 % 2 == 0 }),
      .disk(3, "last-block-only", noise(2 << 20 | 512, seed: 3) { $0 != 512 }),
      .disk(4, "nothing", noise(3 << 20 | 512, seed: 5) { _ in true }),
      .disk(5, "text", Array((0..<70_000).map { _ in text }.joined().prefix(2 << 20))),
      .disk(6, "irregular", noise(5 << 20, seed: 6) { $0 * $0 / 7 % 3 == 0 }),
    ]
    try await roundTrip(disks, Talk(isShared: isShared, options: ["compress": .string(compress)]))
  }

  @Test(arguments: compressions)
  func `without masks, and with slots of any size`(compress: String) async throws {
    let disk = Content.disk(1, "d", noise(9 << 20 | 512, seed: 3) { $0 / 100 % 3 == 0 })
    let options: JSONObject = ["compress": .string(compress)]
    try await roundTrip([disk], Talk(masks: false, options: options))
    for slotBytes in [64 << 10, 4 << 20] {
      let shape = PoolShape(slotCount: 4, slotBytes: slotBytes)
      try await roundTrip([disk], Talk(shape: shape, options: options))
    }
    let small = Content.disk(1, "d", noise(66048, seed: 5) { $0 == 3 })
    try await roundTrip([small], Talk(options: options, pieceBytes: 1))
  }

  @Test func `disks and configuration files of any name live side by side`() async throws {
    try await roundTrip(
      [
        .disk(7, "drive scsi0", noise(102_400, seed: 1)),
        .config(3, "qemu-server.conf", Array("memory: 512\n".utf8)),
        .disk(1, "päth\\with:odd' \"characters", noise(4096, seed: 2)),
        .config(1024, "empty", []), .disk(2, String(repeating: "n", count: 249), []),
      ], Talk())
  }

  @Test(arguments: compressions)
  func `compression is what it says`(compress: String) async throws {
    let place = try Scratch()
    let text = Array((0..<100_000).map { "line \($0) of a log\n" }.joined().utf8.prefix(1 << 20))
    try workshop.write(
      [.disk(1, "d", text)], to: place, Talk(options: ["compress": .string(compress)]))
    let info = try await place.shell("qemu-img info d.qcow2; qemu-img check d.qcow2")
    #expect(info.contains("compression type: \(compress == "zstd" ? "zstd" : "zlib")"))
    #expect(info.contains("100.00% compressed") == (compress != "none"), "\(info)")
    #expect(try (place.status("d.qcow2").size < 700_000) == (compress != "none"))
  }

  @Test func `the state of memory is a file of its own, however long it is`() throws {
    var content = Content.state(1, noise(3 << 20 | 5, seed: 1) { $0 % 3 == 0 })
    for size in [UInt64(content.bytes.count), nil] {
      let place = try Scratch()
      let process = try workshop.startWriter(place)
      content.stream.size = size
      try process.host.start([content], format: "qcow2")
      try process.host.write(content, digest: .none)
      _ = try workshop.finishWriting(process)
      #expect(try place.names() == ["manifest.json", "vmstate.bin"])
      #expect(areEqual(try place.bytes("vmstate.bin"), content.bytes))
    }
  }

  @Test func `a sparse disk of a TiB takes what its data takes`() async throws {
    let place = try Scratch()
    let process = try workshop.startWriter(place)
    var content = Content.disk(1, "d", noise(65536, seed: 1))
    content.stream.size = 1 << 40
    try process.host.start([content], format: "qcow2")
    try process.host.write(
      content,
      as: [
        Extent(offset: 0, length: 65536, kind: .data),
        Extent(offset: 65536, length: 1 << 40 - 65536, kind: .hole),
      ])
    _ = try workshop.finishWriting(process)
    #expect(try place.status("d.qcow2").size == 6 * 65536)
    let report = try await place.shell("qemu-img check d.qcow2; qemu-img info d.qcow2")
    #expect(report.contains("No errors") && report.contains("1 TiB"), "\(report)")
  }
}
