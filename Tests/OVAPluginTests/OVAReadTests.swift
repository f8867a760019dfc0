import CommandLine
import BackupProtocol
import Glibc
import JSON
import ScriptedHost
import Testing

@Suite(.inTurns) struct `Reading an appliance of ours` {
  static let contents: [Content] = [
    .config(1, "vm.conf", Array("cores: 1\0]]>\r\n".utf8)),
    .config(2, "large.bin", noise(150_000, seed: 9)),
    .disk(3, "d", noise(3 << 20 | 512, seed: 1) { $0 / 32 % 2 == 0 }),
    .disk(4, "e", noise(1 << 20, seed: 2)),
    .disk(5, "zeros", [UInt8](repeating: 0, count: 2 << 20)),
    .state(6, noise(1 << 20 | 77, seed: 7) { $0 % 3 == 0 }),
  ]

  @Test(
    arguments: [Job.Mode.read, .verify], [Job.OutputKind.file, .pipe])
  func `gives what went in`(mode: Job.Mode, kind: Job.OutputKind) throws {
    let bytes = try makeAppliance(Self.contents)
    try expectAppliance(bytes, holds: Self.contents, mode, Talk(kind: kind))
    try expectAppliance(bytes, holds: Self.contents, mode, Talk(isShared: false, kind: kind))
  }

  @Test(
    .enabled(if: access("/usr/bin/zstd", X_OK) == 0, "needs zstd"),
    arguments: ["zstd -q", "gzip -1"], [Job.OutputKind.file, .pipe])
  func `works for compressed ones`(program: String, kind: Job.OutputKind) throws {
    let file = try ScratchArchive(try makeAppliance(Self.contents))
    let words = "cd \(file.place.directory) && \(program) < archive > packed && mv packed archive"
    #expect(try shell(words) == .exit(0))
    try expectAppliance(try file.bytes(), holds: Self.contents, .verify, Talk(kind: kind))
  }

  @Test(arguments: [Job.OutputKind.file, .pipe])
  func `works for disks in qcow2, from a pipe by way of the scratch file`(
    kind: Job.OutputKind
  ) throws {
    let bytes = try makeAppliance(Self.contents, Talk(options: ["disk-format": "qcow2"]))
    try expectAppliance(bytes, holds: Self.contents, .verify, Talk(kind: kind))
    guard kind == .pipe else { return }
    let outcome = try applianceWorkshop.readAll(
      try ScratchArchive(bytes), .read, Talk(kind: kind), hasScratch: false)
    #expect(outcome.code == .unsupported && outcome.message.contains("into a file"))
  }

  @Test func `from a pipe needs no scratch file`() throws {
    let bytes = try makeAppliance(Self.contents)
    let outcome = try applianceWorkshop.readAll(
      try ScratchArchive(bytes), .verify, Talk(kind: .pipe), hasScratch: false)
    #expect(outcome.code == .none, "\(outcome.message)")
  }

  @Test func `tells the machine, the instant and the digests`() throws {
    let file = try ScratchArchive(try makeAppliance(Self.contents))
    for kind in [Job.OutputKind.file, .pipe] {
      let plugin = try applianceWorkshop.startReader(file, Talk(kind: kind))
      let ack = try plugin.host.openArchive(.read, format: "ova", output: kind, scratch: 8)
      #expect(ack.instant?.text == "2026-01-31T20:00:00Z")
      #expect(ack.vm.id == "101" && ack.vm.name == "db1")
      for stream in ack.streams {
        let content = try #require(Self.contents.first { $0.stream.name == stream.name })
        let digest = treeDigest(content.bytes)
        #expect(stream.digest == (kind == .file ? digest : nil), "\(stream.name)")
      }
      _ = try plugin.host.finish()
      #expect(plugin.wait() == .exit(0))
    }
  }

  @Test func `works in any order from a file, and forward only from a pipe`() throws {
    let file = try ScratchArchive(try makeAppliance(Self.contents))
    for kind in [Job.OutputKind.file, .pipe] {
      let plugin = try applianceWorkshop.startReader(file, Talk(kind: kind))
      let streams = try plugin.host.startReading(.read, format: "ova", output: kind, scratch: 8)
      let disk = try plugin.host.read(streams[3])
      #expect(areEqual(disk.bytes, Self.contents[3].bytes))
      let config = try plugin.host.read(streams[0])
      #expect((config.status == .none) == (kind == .file))
      _ = try plugin.host.finish()
      #expect(plugin.wait() == .exit(0))
    }
  }

  @Test(arguments: [Job.Mode.read, .verify], [Job.OutputKind.file, .pipe])
  func `finds a flipped byte in every member`(mode: Job.Mode, kind: Job.OutputKind) throws {
    let bytes = try makeAppliance(Self.contents)
    let names = try Members(of: bytes).list.map(\.name)
    #expect(names.count == Self.contents.count + 3)
    for name in names {
      var wreck = try Members(of: bytes)
      let place = wreck[name].count * 2 / 3
      wreck[name][place] ^= 1
      let outcome = try applianceWorkshop.readAll(
        try ScratchArchive(wreck.archive), mode, Talk(kind: kind))
      #expect(outcome.code == .corrupt, "\(name): \(outcome.code) \(outcome.message)")
    }
  }

  @Test(arguments: [Job.OutputKind.file, .pipe])
  func `finds an archive that was cut off anywhere`(kind: Job.OutputKind) throws {
    let bytes = try makeAppliance(Self.contents)
    let lengths = Array(stride(from: 0, to: bytes.count - 1024, by: 200_000))
    for length in lengths + [511, 512, 1024, bytes.count - 4096, bytes.count - 1536] {
      try expectRefusal(Array(bytes[..<length]), says: "", .read, kind)
    }
    let short = Array(bytes[..<(bytes.count - 512)])
    try expectRefusal(short, says: "one block of zeros", .read, kind)
  }

  @Test(arguments: [Job.OutputKind.file, .pipe])
  func `what follows the end is refused by verify`(kind: Job.OutputKind) throws {
    let bytes = try makeAppliance(Self.contents)
    try expectRefusal(bytes + [1], says: "after the end", .verify, kind)
    try expectAppliance(bytes + [1], holds: Self.contents, .read, Talk(kind: kind))
    let padding = [UInt8](repeating: 0, count: 20_000)
    try expectAppliance(bytes + padding, holds: Self.contents, .verify, Talk(kind: kind))
  }
}

@Suite(.inTurns) struct `A hostile appliance of ours` {
  private static let contents: [Content] = [
    .config(1, "vm.conf", Array("cores: 1\n".utf8)),
    .disk(2, "d", noise(1 << 20, seed: 1)),
  ]

  /// The members, changed, behind a manifest that knows of the change.
  private func wreck(_ change: (inout Members) throws -> Void) throws -> [UInt8] {
    var members = try Members(of: makeAppliance(Self.contents))
    try change(&members)
    members.sign()
    return members.archive
  }

  private func refuse(
    says words: String, _ change: (inout Members) throws -> Void
  ) throws {
    for kind in [Job.OutputKind.file, .pipe] {
      try expectRefusal(try wreck(change), says: words, .verify, kind)
      try expectRefusal(try wreck(change), says: words, .read, kind)
    }
  }

  @Test func `does not pass with another disk, whatever its manifest says`() throws {
    let other = try Members(of: makeAppliance([.disk(1, "d", noise(1 << 20, seed: 2))]))
    try refuse(says: "digest mismatch") { $0["d.vmdk"] = other["d.vmdk"] }
  }

  @Test func `does not pass with another configuration`() throws {
    try refuse(says: "differs from its copy") { $0["vm.conf"] = Array("cores: 2\n".utf8) }
  }

  @Test func `does not pass with a disk of another size`() throws {
    let other = try Members(of: makeAppliance([.disk(1, "d", noise(2 << 20, seed: 1))]))
    try refuse(says: "instead of") { $0["d.vmdk"] = other["d.vmdk"] }
  }

  @Test(arguments: ["receipt.json", "d.vmdk", "vm.conf", "db1.mf"])
  func `does not pass without a member`(name: String) throws {
    try refuse(says: name == "db1.mf" ? "" : "is missing") { $0.remove(name) }
  }

  @Test func `does not pass with a member that nobody knows of`() throws {
    try refuse(says: "unexpected file") { $0.list.insert(("more.txt", [1]), at: 1) }
  }

  @Test func `does not pass with two members of one name`() throws {
    try refuse(says: "duplicate file name") { $0.list.insert(("vm.conf", $0["vm.conf"]), at: 2) }
  }

  @Test func `whose members come in another order is read from a file`() throws {
    let bytes = try wreck { $0.list.swapAt(1, 2) }
    try expectAppliance(bytes, holds: Self.contents)
    try expectRefusal(bytes, says: "out of order", .verify, .pipe)
  }
}
