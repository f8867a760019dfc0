import BackupProtocol
import JSON
import ScriptedHost
import SharedPool
import Synchronization
import Testing
@testable import WriterKit

private let madeReceipt = Mutex<[UInt8]>([])

/// Writes nothing but its receipt, with members of its own.
private final class ReceiptWriter: IdleWriter {
  private let job: Job
  private var streams: [(stream: StreamDescription, length: UInt64, digest: Digest)] = []

  required init(job: Job, output: Output, host: Host) throws(PluginError) {
    self.job = job
    try super.init(job: job, output: output, host: host)
  }
  override func open(_ stream: StreamDescription) { streams.append((stream, 0, .none)) }
  override func close(length: UInt64, digest: Digest) {
    streams[streams.count - 1].length = length
    streams[streams.count - 1].digest = digest
  }
  override func finish() -> Finished {
    let more: [JSONObject] = streams.map { ["id": JSONValue($0.stream.id), "start": 17] }
    let receipt = job.receipt(streams, more: more, host: host)
    madeReceipt.withLock { $0 = JSONValue.object(receipt).serialised() }
    return Finished()
  }
}

@Suite(.serialized) struct `What an archive tells` {
  private static let shape = PoolShape(slotCount: 4, slotBytes: 65536)

  @Test func `is what its receipt has, and members of the format's own`() throws {
    let kit = try KitSession(ReceiptWriter.self, pool: nil, shape: Self.shape)
    let contents: [Content] = [.config(9, "c", [1]), .disk(4, "d", [2, 3])]
    try kit.host.greet()
    try kit.host.start(contents)
    for content in contents { try kit.host.write(content, digest: treeDigest(content.bytes)) }
    _ = try kit.host.finish()
    #expect(kit.end() == 0)
    let found = try Contents(parsing: madeReceipt.withLock { $0 })
    #expect(found.streams.map(\.id) == [9, 4])
    #expect(found.streams.map(\.size) == [1, 2])
    #expect(found.streams.map(\.digest) == contents.map { treeDigest($0.bytes) })
    #expect(found.machine == Job.Machine(id: "101", name: "db1"))
    for stream in found.streams { #expect(found.json(of: stream)["start"]?.integer == 17) }
    var stranger = found.streams[0]
    stranger.id = 5
    #expect(found.json(of: stranger) == .null)
  }

  @Test func `is corrupt where it is malformed`() {
    let stream = #"{"id": 1, "kind": "disk", "name": "d", "size": 1}"#
    let malformed = [
      "", "[]", "{}", #"{"streams": [1]}"#, #"{"streams": [\#(stream), \#(stream)]}"#,
      #"{"streams": [{"id": 1, "kind": "disk", "name": "d"}]}"#,
    ]
    for text in malformed {
      #expect(throws: PluginError.self, "\(text)") { _ = try Contents(parsing: Array(text.utf8)) }
    }
  }

  @Test func `is of whole streams where the manifest has no increments`() throws {
    let kit = try KitSession(IdleWriter.self, pool: nil, shape: Self.shape)
    var disk = Content.disk(1, "d", [1])
    disk.stream.isIncremental = true
    try kit.host.greet()
    #expect(throws: (any Error).self) { try kit.host.start([disk]) }
    #expect(kit.host.fatalError?.code == .unsupported)
    #expect(
      kit.host.fatalError?.message == #"raw stores full backups only, and "d" is incremental"#)
    #expect(kit.end() == 1)
  }

  @Test(arguments: [true, false])
  func `has every size where the manifest needs it`(needsSize: Bool) throws {
    let kit = try KitSession(
      IdleWriter.self, pool: nil, shape: Self.shape, needs: needsSize ? [.size] : [],
      streams: "\"vmstate\"")
    var memory = Content.state(1, [1], name: "d")
    memory.stream.size = nil
    try kit.host.greet()
    if needsSize {
      #expect(throws: (any Error).self) { try kit.host.start([memory]) }
      #expect(kit.host.fatalError?.code == .unsupported)
      #expect(kit.host.fatalError?.message == #"raw needs the size of "d" in advance"#)
    } else {
      try kit.host.start([memory])
      try kit.host.write(memory, digest: .none)
      _ = try kit.host.finish()
    }
    #expect(kit.end() == (needsSize ? 1 : 0))
  }

  @Test(arguments: [
    ("", StreamDescription.Kind.vmstate, false), ("", .disk, true), ("", .config, true),
    ("\"vmstate\", \"disk\", \"hologram\"", .vmstate, true), ("\"vmstate\"", .disk, false),
    ("\"hologram\"", .config, false),
  ])
  func `is of the kinds that the manifest lists`(
    streams: String, kind: StreamDescription.Kind, isTaken: Bool
  ) throws {
    let kit = try KitSession(IdleWriter.self, pool: nil, shape: Self.shape, streams: streams)
    var content = Content.disk(1, "d", [1])
    content.stream.kind = kind
    try kit.host.greet()
    if isTaken {
      try kit.host.start([content])
      try kit.host.write(content, digest: .none)
      _ = try kit.host.finish()
    } else {
      #expect(throws: (any Error).self) { try kit.host.start([content]) }
      #expect(kit.host.fatalError?.code == .unsupported)
      #expect(kit.host.fatalError?.message == "raw holds no \(kind), and \"d\" is one")
    }
    #expect(kit.end() == (isTaken ? 0 : 1))
  }
}
