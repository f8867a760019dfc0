import CommandLine
import BackupProtocol
import Glibc
import JSON
import ScriptedHost
import SharedPool
import System
import Testing

@Suite(.inTurns) struct `Reading a raw directory` {
  let contents: [Content] = [
    .disk(4, "irregular", noise(5 << 20 | 12345, seed: 6) { $0 * $0 / 7 % 3 == 0 }),
    .disk(5, "every-second-block", noise(1 << 20 | 100, seed: 1) { $0 % 2 == 0 }),
    .disk(6, "nothing", noise(3 << 20 | 7, seed: 5) { _ in true }), .disk(7, "empty", []),
    .disk(8, "full", noise(2 << 20, seed: 5)),
    .config(9, "vm.conf", Array("memory: 512\n".utf8)),
    .state(10, noise(1 << 20 | 77, seed: 7) { $0 % 3 == 0 }),
  ]

  @Test(arguments: [true, false], [Job.Mode.read, .verify])
  func `what was written is read`(isShared: Bool, mode: Job.Mode) throws {
    let place = try Scratch()
    try write(contents, to: place, Talk(options: ["sha256sums": true]))
    let plugin = try startReader(place, Talk(isShared: isShared))
    let streams = try plugin.host.startReading(mode)
    #expect(streams.map(\.name) == contents.map(\.stream.name))
    for (content, stream) in zip(contents, streams) {
      #expect(stream.kind == content.stream.kind && stream.role == content.stream.role)
      #expect(stream.digest == treeDigest(content.bytes))
      let answer = try plugin.host.read(stream)
      #expect(answer.status == .none)
      #expect(areEqual(answer.bytes, content.bytes))
      #expect(answer.isOpened)
      #expect(answer.close?.logicalLength == UInt64(content.bytes.count))
      #expect(answer.close?.digest == stream.digest)
    }
    try finish(plugin)
  }

  @Test(arguments: edgeSizes)
  func `a disk of any size is read whole`(size: Int) throws {
    let place = try Scratch()
    let disk = Content.disk(1, "d", noise(size, seed: UInt64(size)))
    try write([disk], to: place)
    let plugin = try startReader(place)
    let stream = try #require(try plugin.host.startReading(.read).first)
    #expect(areEqual(try plugin.host.read(stream).bytes, disk.bytes))
    try finish(plugin)
  }

  @Test func `holes are never read`() throws {
    let place = try Scratch()
    try write([.config(1, "c", [1])], to: place)
    // A disk of 1 TiB with 64 KiB of data, put into the archive by hand.
    let size: Int64 = 1 << 40
    let data = noise(65536, seed: 3)
    let file = try openFile(
      "big.raw", in: place.descriptor.raw, flags: O_WRONLY | O_CREAT, mode: 0o600)
    #expect(ftruncate(file.raw, Int(size)) == 0)
    try data.withUnsafeBytes { try file.writeAll($0, at: size / 2, subject: "big.raw") }
    try place.create(
      "manifest.json",
      Array(
        """
        {"sluice_receipt": 1, "streams": [{"name": "big", "kind": "disk", "role": "disk",
         "size": \(size), "file": "big.raw"}]}
        """.utf8))
    let plugin = try startReader(place)
    let stream = try #require(try plugin.host.startReading(.read).first)
    #expect(stream.size == UInt64(size))
    let answer = try plugin.host.read(
      stream, ReadFrame(offset: UInt64(size / 2), length: 65536))
    #expect(answer.bytes == data)
    let hole = try plugin.host.read(stream, ReadFrame(offset: 1 << 30, length: 1 << 28))
    #expect(hole.dataBytes == 0 && hole.status == .none)
    try finish(plugin)
  }

  @Test(arguments: [true, false])
  func `any part of a disk can be read, in any order`(isShared: Bool) throws {
    let place = try Scratch()
    try write(contents, to: place)
    let plugin = try startReader(place, Talk(isShared: isShared))
    let streams = try plugin.host.startReading(.read)
    let size = UInt64(contents[0].bytes.count)
    let parts: [(UInt64, UInt64)] = [
      (4 << 20, 65536), (65536, 3 << 20), (5 << 20, size - (5 << 20)), (0, size),
      (1 << 20, 1 << 20),
    ]
    for (offset, length) in parts {
      let answer = try plugin.host.read(streams[0], ReadFrame(offset: offset, length: length))
      #expect(answer.status == .none)
      #expect(!answer.isOpened && answer.close == nil)
      #expect(
        areEqual(answer.bytes, Array(contents[0].bytes[Int(offset)..<Int(offset + length)])))
    }
    try finish(plugin)
  }

  @Test func `what is not there fails alone`() throws {
    let place = try Scratch()
    try write(contents, to: place)
    let plugin = try startReader(place)
    var streams = try plugin.host.startReading(.read)
    let beyond = ReadFrame(offset: 5 << 20, length: 65536)
    #expect(try plugin.host.read(streams[0], beyond).status == .limit)
    #expect(try plugin.host.read(streams[0], ReadFrame(offset: 0, length: 1)).status == .protocol)
    streams[1].id = 77
    #expect(try plugin.host.read(streams[1]).status == .notFound)
    #expect(plugin.host.streamErrors.map(\.code) == [.limit, .protocol, .notFound])
    #expect(try plugin.host.read(streams[5]).bytes == contents[5].bytes)
    try finish(plugin)
  }

  @Test func `parts are read only where that was agreed on`() throws {
    let place = try Scratch()
    try write(contents, to: place)
    let plugin = try startReader(place, features: [])
    let streams = try plugin.host.startReading(.read)
    let part = ReadFrame(offset: 0, length: 65536)
    #expect(try plugin.host.read(streams[0], part).status == .unsupported)
    try finish(plugin)
  }

  @Test func `several READs may be under way`() throws {
    let place = try Scratch()
    try write(contents, to: place)
    let plugin = try startReader(place)
    let streams = try plugin.host.startReading(.read)
    let requests = streams.map { stream -> UInt32 in
      let request = plugin.host.sequence
      try? plugin.host.send { $0.append(ReadFrame(), stream: stream.id) }
      return request
    }
    var done: [UInt32] = []
    while done.count < requests.count {
      let frame = try plugin.host.receive()
      if frame.type == .data {
        try plugin.host.send { $0.appendRelease([frame.header.sequence].span) }
      }
      guard frame.type == .readDone else { continue }
      let answer = try frame.payload.withRawBytes { try ReadDoneFrame(parsing: $0) }
      #expect(answer.status == .none)
      done.append(answer.request)
    }
    #expect(done == requests)
    try finish(plugin)
  }

  @Test func `verify finds a flipped byte, read leaves that to the host`() throws {
    let place = try Scratch()
    try write(contents, to: place, Talk(options: ["sha256sums": true]))
    var bytes = try place.bytes("full.raw")
    bytes[1_234_567] ^= 1
    try place.create("full.raw", bytes)
    for (mode, status) in [(Job.Mode.read, ErrorCode.none), (.verify, .corrupt)] {
      let plugin = try startReader(place)
      let streams = try plugin.host.startReading(mode)
      #expect(try plugin.host.read(streams[4]).status == status)
      // The others are as good as before.
      #expect(try plugin.host.read(streams[0]).status == .none)
      try finish(plugin)
      if mode == .verify {
        #expect(plugin.host.streamErrors.map(\.message).first?.contains("full.raw") == true)
      }
    }
  }
  @Test func `proven is said of what was held against checksums, and never after a failure`() throws
  {
    let place = try Scratch()
    try write(contents, to: place, Talk(options: ["sha256sums": true]))
    #expect(try isProven(place, .verify, [0, 4]))
    #expect(try !isProven(place, .read, [0, 4]))
    #expect(try !isProven(place, .read, [0, 4], salvages: true))
    var bytes = try place.bytes("full.raw")
    bytes[1_234_567] ^= 1
    try place.create("full.raw", bytes)
    #expect(try !isProven(place, .verify, [4, 0]))
    #expect(try !isProven(place, .read, [4, 0], salvages: true))
  }

  /// What FINISHED says after some streams were read.
  private func isProven(
    _ place: Scratch, _ mode: Job.Mode, _ numbers: [Int], salvages: Bool = false
  ) throws -> Bool {
    let plugin = try startReader(place)
    let streams = try plugin.host.startReading(mode, salvages: salvages)
    for number in numbers { _ = try plugin.host.read(streams[number]) }
    let finished = try plugin.host.finish()
    #expect(plugin.wait() == .exit(0))
    return finished.isProven
  }
}
