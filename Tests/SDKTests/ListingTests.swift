import BackupProtocol
import CommandLine
import Foundation
import JSON
import ScriptedHost
import SharedPool
import Testing

/// The conversations of protocol.md §20 are what the example in Python says.
/// `SLUICE_WRITE_DOCUMENTS=1` writes them into it.
@Suite(.inTurns) struct `The conversations in protocol dot md` {
  private static let path = Build.directory + "/../../../protocol.md"
  private static let shape = PoolShape(slotCount: 4, slotBytes: 65536)
  /// A cluster that begins with text, and a sector.
  private static let disk: [UInt8] =
    Array("sluice\n".utf8) + [UInt8](repeating: 0, count: 65536 - 7)
    + Array("the end\n".utf8) + [UInt8](repeating: 0, count: 504)

  @Test func `show a job through shared memory, and a restore of its archive`() throws {
    let file = try ScratchArchive()
    try expect("shared", try job(file))
    try expect("restore", try restore(file))
  }

  private func job(_ file: ScratchArchive) throws -> Listing {
    let talk = try Conversation(file, isReading: false)
    try talk.host {
      $0.append(.hello, Self.hello(["shm", "grease-5e1c"]).object)
    }
    try talk.plugin(.helloAck)
    var job = Job(
      id: "6f9e2a41", mode: .write, format: "reel", vm: Job.Machine(id: "101", name: "db1"),
      instant: Timestamp("2026-01-31T20:00:00Z"), output: .file,
      options: ["record-kib": 1024],
      streams: [
        StreamDescription(
          id: 1, kind: .disk, name: "root", role: "disk", size: UInt64(Self.disk.count))
      ])
    job.level = .full
    try talk.host { $0.append(.job, job.object) }
    try talk.plugin(.jobAck)
    try talk.host { $0.appendOpen(stream: 1) }
    for (slot, range) in [(0, 0..<65536), (1, 65536..<66048)] {
      talk.process.host.pool?.fill(slot, Self.disk[range])
      let frame = DataFrame(
        offset: UInt64(range.lowerBound), length: UInt32(range.count), place: .slot(UInt32(slot)),
        maskCount: 1)
      let masks: [BlockMask] = [0x0001]
      try talk.host { $0.append(frame, stream: 1, masks: masks.span) }
      try talk.plugin(.release)
    }
    try talk.host {
      $0.append(
        CloseFrame(logicalLength: UInt64(Self.disk.count), digest: treeDigest(Self.disk)),
        stream: 1)
    }
    try talk.host { $0.append(.finish, [:]) }
    try talk.plugin(.finished)
    return try talk.end()
  }

  private func restore(_ file: ScratchArchive) throws -> Listing {
    let talk = try Conversation(file, isReading: true)
    try talk.host { $0.append(.hello, Self.hello(["shm"]).object) }
    try talk.plugin(.helloAck)
    let job = Job(id: "0c77b1d2", mode: .read, format: "reel", output: .file)
    try talk.host { $0.append(.job, job.object) }
    try talk.plugin(.jobAck)
    try talk.host { $0.append(ReadFrame(), stream: 1) }
    for type in [FrameType.open, .data, .data, .close, .readDone] {
      let frame = try talk.plugin(type)
      if type == .data {
        try talk.host { $0.appendRelease([frame.header.sequence].span) }
      }
    }
    try talk.host { $0.append(.finish, [:]) }
    try talk.plugin(.finished)
    return try talk.end()
  }

  private static func hello(_ features: [String]) -> Hello {
    Hello(
      features: features, slotCount: UInt32(shape.slotCount), slotBytes: UInt32(shape.slotBytes),
      hostName: "sluice", hostVersion: "0.1.0")
  }

  /// Holds what was said against what is printed, and writes it if that is wanted.
  private func expect(_ name: String, _ listing: Listing) throws {
    let text = try String(contentsOfFile: Self.path, encoding: .utf8)
    let begin = try #require(text.range(of: "```hex \(name)\n"))
    let end = try #require(text.range(of: "```\n", range: begin.upperBound..<text.endIndex))
    let said = listing.lines.map { $0 + "\n" }.joined()
    if ProcessInfo.processInfo.environment["SLUICE_WRITE_DOCUMENTS"] == "1" {
      let new = text[..<begin.upperBound] + said + text[end.lowerBound...]
      try String(new).write(toFile: Self.path, atomically: true, encoding: .utf8)
    } else {
      #expect(text[begin.upperBound..<end.lowerBound] == said, "SLUICE_WRITE_DOCUMENTS=1 writes it")
    }
  }

  /// The example in Python, and all that was said.
  private final class Conversation {
    let process: PluginProcess
    private var listing = Listing()
    private var hostReader = FrameReader()

    init(_ file: ScratchArchive, isReading: Bool) throws {
      let program = try #require(Example.all.first { $0.language == "python" })
      process = try PluginProcess(
        program.workshop.plugin,
        target: try file.opened(isReading ? O_RDONLY : O_RDWR | O_CREAT),
        pool: try SharedPool(shape, name: "test"), shape: shape, isPoolWritable: isReading)
    }

    /// Sends a frame.
    func host(_ build: (inout FrameWriter) -> Void) throws {
      var copy = FrameWriter(firstSequence: process.host.sequence)
      build(&copy)
      let isFirst = process.host.sequence == 0
      if isFirst { listing.preamble("H") }
      // A writer begins with the preamble, whatever the number of its first frame is.
      var reader = FrameReader(firstSequence: process.host.sequence)
      let bytes = copy.pending
      _ = reader.fill { room in
        bytes.withUnsafeBytes { room.copyMemory(from: $0) }
        return bytes.count
      }
      let header = try #require(try reader.next())
      listing.add("H", header, reader.withPayload { $0.allBytes })
      try process.host.send(build)
    }

    /// Takes the frame that must come now.
    @discardableResult
    func plugin(_ type: FrameType) throws -> Received {
      let frame = try process.host.receive()
      try #require(frame.type == type)
      if frame.header.sequence == 0 { listing.preamble("P") }
      listing.add("P", frame.header, frame.payload)
      return frame
    }

    func end() throws -> Listing {
      process.host.closeInput()
      #expect(process.wait() == .exit(0))
      return listing
    }
  }
}

extension SharedPool {
  /// Puts bytes at the start of a slot.
  fileprivate func fill(_ slot: Int, _ bytes: ArraySlice<UInt8>) {
    unsafeBytes(slot: slot).copyBytes(from: bytes)
  }
}
