import BackupProtocol
import CommandLine
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

@Suite(.inTurns) struct `Reading a directory of qcow2 images` {
  static let contents: [Content] = [
    .disk(4, "irregular", noise(5 << 20 | 1536, seed: 6) { $0 * $0 / 7 % 3 == 0 }),
    .disk(6, "nothing", noise(3 << 20 | 512, seed: 5) { _ in true }), .disk(7, "empty", []),
    .disk(8, "text", noise(2 << 20, seed: 5).map { $0 & 7 }),
    .config(9, "vm.conf", Array("memory: 512\n".utf8)),
    .state(10, noise(1 << 20 | 77, seed: 7) { $0 % 3 == 0 }),
  ]

  private func written(_ compress: String) throws -> Scratch {
    let place = try Scratch()
    try workshop.write(
      Self.contents, to: place, Talk(options: ["compress": .string(compress)]))
    return place
  }

  @Test(arguments: [true, false], [Job.Mode.read, .verify])
  func `what was written is read`(isShared: Bool, mode: Job.Mode) throws {
    for compress in compressions {
      let place = try written(compress)
      let plugin = try workshop.startReader(place, Talk(isShared: isShared))
      let streams = try plugin.host.startReading(mode, format: "qcow2")
      #expect(streams.map(\.name) == Self.contents.map(\.stream.name))
      for (content, stream) in zip(Self.contents, streams) {
        #expect(stream.kind == content.stream.kind && stream.role == content.stream.role)
        #expect(stream.digest == treeDigest(content.bytes))
        let answer = try plugin.host.read(stream)
        #expect(answer.status == .none, "\(plugin.host.streamErrors)")
        #expect(areEqual(answer.bytes, content.bytes))
        #expect(answer.close?.logicalLength == UInt64(content.bytes.count))
      }
      try workshop.finishReading(plugin)
    }
  }

  @Test(arguments: compressions)
  func `any part of a disk can be read, in any order`(compress: String) throws {
    let place = try written(compress)
    let plugin = try workshop.startReader(place)
    let stream = try plugin.host.startReading(.read, format: "qcow2")[0]
    let bytes = Self.contents[0].bytes
    let size = UInt64(bytes.count)
    let parts: [(UInt64, UInt64)] = [
      (4 << 20, 65536), (65536, 3 << 20), (5 << 20, size - (5 << 20)), (0, size), (1 << 20, 65536),
    ]
    for (offset, length) in parts + parts {
      let answer = try plugin.host.read(stream, ReadFrame(offset: offset, length: length))
      #expect(answer.status == .none)
      #expect(areEqual(answer.bytes, Array(bytes[Int(offset)..<Int(offset + length)])))
    }
    try workshop.finishReading(plugin)
  }

  @Test func `what a rescue system made of it is read too`() async throws {
    let place = try written("none")
    // Other clusters, other compression, same bytes.
    try await place.shell(
      """
      set -e
      qemu-img convert -O qcow2 -o cluster_size=1M irregular.qcow2 x && mv x irregular.qcow2
      qemu-img convert -c -O qcow2 -o cluster_size=4k text.qcow2 x && mv x text.qcow2
      """)
    let plugin = try workshop.startReader(place)
    let streams = try plugin.host.startReading(.verify, format: "qcow2")
    for (content, stream) in zip(Self.contents, streams) {
      let answer = try plugin.host.read(stream)
      #expect(answer.status == .none, "\(plugin.host.streamErrors)")
      #expect(areEqual(answer.bytes, content.bytes))
    }
    try workshop.finishReading(plugin)
  }

  @Test func `of a damaged image everything else is salvaged`() throws {
    let place = try written("zstd")
    // Somewhere in the middle of a compressed cluster, and an image that is cut.
    try place.flip("text.qcow2", at: 65536 + 3000)
    let length = try place.status("irregular.qcow2").size
    #expect(try shell("truncate -s \(length / 2) \(place.path("irregular.qcow2"))") == .exit(0))
    let plugin = try workshop.startReader(place)
    let streams = try plugin.host.startReading(.read, format: "qcow2", salvages: true)
    let text = try plugin.host.read(streams[3])
    let lost = try #require(text.damaged.first)
    #expect(text.status == .none && text.damaged.count == 1 && lost.count == 65536)
    var expected = Self.contents[3].bytes
    expected.replaceSubrange(
      Int(lost.lowerBound)..<Int(lost.upperBound), with: repeatElement(0, count: 65536))
    #expect(areEqual(text.bytes, expected))
    // Its tables are at its end.
    let cut = try plugin.host.read(streams[0])
    #expect(cut.status == .none && cut.damaged == [0..<UInt64(Self.contents[0].bytes.count)])
    #expect(try plugin.host.read(streams[4]).bytes == Self.contents[4].bytes)
    try workshop.finishReading(plugin)
  }
}
