import CommandLine
import BackupProtocol
import JSON
import ScriptedHost
import Testing

/// A job that the format cannot hold, next to one that it can.
struct Refusal: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let code: ErrorCode
  let word: String
  let contents: [Content]
  var options: JSONObject = [:]

  init(
    _ description: String, _ code: ErrorCode, says word: String, _ contents: [Content],
    options: JSONObject = [:]
  ) {
    testDescription = description
    self.code = code
    self.word = word
    self.contents = contents
    self.options = options
  }
}

/// A disk of a size alone.
private func disk(_ size: UInt64, _ name: String = "d", id: UInt32 = 1) -> Content {
  Content(StreamDescription(id: id, kind: .disk, name: name, role: "disk", size: size), [])
}

private func disks(_ count: UInt32) -> [Content] {
  (1...count).map { disk(512, "d\($0)", id: $0) }
}

private let proxmox: JSONObject = ["proxmox": true]
private let conf = Content.config(9, "qemu-server.conf", Array("cores: 1\n".utf8))

private let refusals: [Refusal] = [
  Refusal("nothing at all", .badJob, says: "nothing to archive", []),
  Refusal("an empty disk", .unsupported, says: "empty", [disk(0)]),
  Refusal("a size of odd bytes", .unsupported, says: "truncate", [disk(1_000_000)]),
  Refusal("more than 256 TiB", .tooLarge, says: "256 TiB", [disk(1 << 48 + 512)]),
  Refusal("a disk called vmstate", .badJob, says: "vmstate", [disk(512, "vmstate")]),
  Refusal("255 disks", .tooLarge, says: "254", disks(255)),
  Refusal(
    "257 configurations", .tooLarge, says: "256",
    (1...257).map { Content.config(UInt32($0), "c\($0)", [1]) }),
  Refusal(
    "a configuration of 65536 bytes", .tooLarge, says: "65535",
    [.config(1, "c", [UInt8](repeating: 1, count: 65536))]),
  Refusal(
    "a configuration after a disk", .badJob, says: "after a disk",
    [disk(512), .config(2, "c", [1])]),
  Refusal(
    "a state of unknown size", .unsupported, says: "in advance",
    [
      Content(
        StreamDescription(id: 1, kind: .vmstate, name: "vmstate", role: "vmstate", size: nil), [])
    ]),
  Refusal("a state by another name", .badJob, says: "not as \"m\"", [.state(1, [1], name: "m")]),
  Refusal("an empty state", .unsupported, says: "empty", [.state(1, [])]),
  Refusal(
    "a configuration after the state", .badJob, says: "after a disk",
    [.state(1, [1]), .config(2, "c", [1])]),
  Refusal(
    "254 disks and a state", .tooLarge, says: "254", disks(254) + [.state(300, [1])]),
  Refusal(
    "an increment", .unsupported, says: "incremental",
    [
      Content(
        StreamDescription(
          id: 1, kind: .disk, name: "d", role: "disk", size: 512, isIncremental: true), [])
    ]),
  Refusal("an unknown option", .badOption, says: "no option", disks(1), options: ["x": 1]),
  Refusal(
    "an invalid level", .badOption, says: "zstd", disks(1), options: ["compress": "zstd:20"]),
  Refusal(
    "no level", .badOption, says: "zstd", disks(1), options: ["compress": "zstd:"]),
  Refusal(
    "a signed level", .badOption, says: "zstd", disks(1), options: ["compress": "gzip:+1"]),
  Refusal(
    "another compression", .badOption, says: "zstd", disks(1), options: ["compress": "lzo"]),
  Refusal(
    "proxmox without its file", .badJob, says: "qemu-server.conf", disks(1), options: proxmox),
  Refusal(
    "a name Proxmox does not restore", .badJob, says: "drive-scsi0", [conf, disk(512, "root")],
    options: proxmox),
  Refusal(
    "a drive without number", .badJob, says: "drive-scsi0", [conf, disk(512, "drive-scsi")],
    options: proxmox),
]

@Suite(.inTurns) struct `What a VMA archive cannot hold` {
  @Test(arguments: refusals)
  func `is refused before anything is read`(refusal: Refusal) throws {
    let file = try ScratchArchive()
    let plugin = try startWriter(file)
    #expect(throws: HostError.self) {
      try plugin.host.start(
        refusal.contents, format: "vma", output: .file, options: refusal.options)
    }
    let error = try #require(plugin.host.fatalError)
    #expect(error.code == refusal.code, "\(error.message)")
    #expect(error.message.contains(refusal.word), "\(error.message)")
    #expect(plugin.wait() == .exit(1))
    #expect(try file.bytes() == [])
  }

  @Test func `is not what just fits`() throws {
    for contents in [disks(254), [disk(1 << 48)], [disk(512), disk(512, "d2", id: 2)]] {
      let file = try ScratchArchive()
      let plugin = try startWriter(file)
      try plugin.host.start(contents, format: "vma", output: .file)
      plugin.host.closeInput()
      #expect(plugin.wait() == .exit(1))
      #expect(try file.bytes() == [])
    }
  }

  @Test(arguments: [true, false])
  func `leaves an empty file when the job is called off`(isDead: Bool) throws {
    let file = try ScratchArchive()
    let plugin = try startWriter(file)
    let content = Content.disk(1, "d", noise(5 << 20, seed: 1))
    try plugin.host.start([content], format: "vma", output: .file)
    try plugin.host.send { $0.appendOpen(stream: 1) }
    for part in 0..<5 {
      try plugin.host.sendData(content, (part << 20)..<((part + 1) << 20), masks: true)
    }
    try plugin.host.await(.release)
    if isDead {
      plugin.host.closeInput()
    } else {
      try plugin.host.send { $0.append(.abort, Abort(reason: "a test").object) }
      try plugin.host.await(.aborted)
    }
    #expect(plugin.wait() == .exit(1))
    #expect(try file.bytes() == [])
  }

  @Test func `a directory is no place for it`() throws {
    let place = try Scratch()
    let plugin = try PluginProcess(
      "sluice-writer-vma", target: place.descriptor, pool: nil)
    try plugin.host.greet()
    #expect(throws: HostError.self) { try plugin.host.start(disks(1), format: "vma") }
    #expect(plugin.host.fatalError?.code == .badJob)
    #expect(plugin.wait() == .exit(1))
  }
}
