import BackupProtocol
import FrameExercise
import JSON
import Glibc
import Testing

/// protocol.md against the codec, and the tests against protocol.md.
@Suite struct DocumentTests {
  @Test func `every clause and rule that a vector cites exists`() {
    for vector in Vector.all {
      let clause = vector.keys["clause"] ?? "none"
      let headings = Repository.document.split(separator: "\n").filter { $0.hasPrefix("#") }
      #expect(headings.contains { $0.contains("\(clause) ") }, "\(vector.name): \(clause)")
      let rule = "- [" + (vector.keys["covers"] ?? "none") + "] "
      #expect(Repository.document.contains(rule), "\(vector.name): \(rule)")
    }
  }

  @Test func `rules are numbered once and without gaps`() {
    var seen: [Substring: Int] = [:]
    for line in Repository.document.split(separator: "\n") where line.hasPrefix("- [") {
      let rule = line.dropFirst(3).prefix { $0 != "]" }.split(separator: "-")
      guard rule.count == 2, let number = Int(rule[1]) else { continue }
      #expect(number == (seen[rule[0]] ?? 0) + 1, "\(line)")
      seen[rule[0]] = number
    }
    #expect(seen.count > 50)
  }

  @Test(.enabled(if: MinimalPlugin.canRun, "needs python3"))
  func `vectors and listings are what the second encoder writes`() {
    let script = Repository.root + "/Tests/Vectors/make-vectors.py"
    #expect(system("python3 '\(script)' --check") == 0)
  }

  @Test func `no line but a table's is longer than 100 characters`() {
    for line in Repository.document.split(separator: "\n") where !line.hasPrefix("|") {
      #expect(line.count <= 100, "\(line)")
    }
  }

  @Test func `the frame table is the codec's`() {
    for (type, name) in FrameType.names {
      let number = String(type.rawValue, radix: 16, uppercase: true)
      let padded = "0x" + String(repeating: "0", count: 4 - number.count) + number
      let row = Repository.document.split(separator: "\n")
        .first { $0.hasPrefix("| \(padded) | \(name) |") }
      #expect(row != nil, "\(padded) \(name)")
      #expect(row?.contains("\(type.payloadBytesMax) |") == true, "\(name)")
    }
  }

  @Test func `the table of errors is the codec's`() {
    for number in UInt32(1)...99 {
      let code = ErrorCode(rawValue: number)
      let isAssigned = code.name != "E_INTERNAL" || code == .internal
      let row = Repository.document.contains("| \(number) | \(code.name) |")
      #expect(row == isAssigned, "\(number)")
    }
  }

  @Test func `the preamble listing is the preamble`() {
    #expect(Hex.bytes(Repository.listing("hex preamble")) == Limits.preamble)
  }

  @Test(arguments: [("error", 9), ("data-slot", 5), ("release", 9), ("data-inline", 2)])
  func `a listing is what the encoder writes`(_ name: String, _ sequence: UInt32) {
    let bytes = Limits.preamble + Hex.bytes(Repository.listing("hex " + name))
    let result = Exercise(bytes, firstSequence: sequence)
    #expect(result.error == nil)
    #expect(result.frames.count == 1)
    #expect(result.frames.allSatisfy { $0.isCanonical })
  }

  @Test func `the slot listing is built from its description`() {
    var writer = FrameWriter(firstSequence: 5)
    let frame = DataFrame(offset: 1 << 20, length: 128 << 10, place: .slot(3), maskCount: 2)
    let masks: [BlockMask] = [0xFFFF, 0x0001]
    writer.append(frame, stream: 1, masks: masks.span)
    #expect(Array(writer.pending[8...]) == Hex.bytes(Repository.listing("hex data-slot")))
  }

  @Test func `the whole job in hex is two good conversations`() {
    let host = conversation("H")
    let plugin = conversation("P")
    #expect(
      host.compactMap { $0.header.type.name } == [
        "HELLO", "JOB", "frame type 0xBA3A", "OPEN", "DATA", "CLOSE", "OPEN", "ZERO", "DATA",
        "CLOSE", "FINISH",
      ])
    #expect(
      plugin.map { $0.header.type } == [.helloAck, .jobAck, .release, .release, .finished])
    #expect((host + plugin).allSatisfy { $0.isCanonical && $0.isStable })
  }

  @Test(arguments: [
    (
      "shared", [FrameType.hello, .job, .open, .data, .data, .close, .finish],
      [FrameType.helloAck, .jobAck, .release, .release, .finished]
    ),
    (
      "restore", [.hello, .job, .read, .release, .release, .finish],
      [.helloAck, .jobAck, .open, .data, .data, .close, .readDone, .finished]
    ),
  ])
  func `the other conversations in hex are good ones too`(
    _ name: String, _ host: [FrameType], _ plugin: [FrameType]
  ) {
    for (side, types) in [("H", host), ("P", plugin)] {
      let result = Exercise(Repository.conversation(name, side))
      #expect(result.error == nil && result.endsAtBoundary)
      #expect(result.frames.map { $0.header.type } == types)
      #expect(result.frames.allSatisfy { $0.isCanonical && $0.isStable })
    }
  }

  @Test func `the receipt in hex is that of the whole job`() throws {
    let bytes = Hex.bytes(Repository.listing("hex receipt"))
    let receipt = try Receipt(parsing: bytes)
    #expect(JSONValue.object(receipt.object).serialised() == bytes)
    let closes = conversation("H").filter { $0.header.type == .close }
    let digests = try closes.map { frame in
      try frame.payload.withUnsafeBytes { try CloseFrame(parsing: $0.bytes).digest }
    }
    #expect(receipt.streams.map(\.digest) == digests)
    #expect(receipt.streams.map(\.name) == ["web01.conf", "root.raw"])
    #expect(receipt.streams.map(\.size) == [12, 66048])
    #expect(receipt.job == "6f9e2a41" && receipt.format == "minimal")
  }

  /// One direction of the job of §20, decoded.
  private func conversation(_ side: String) -> [Exercise.Frame] {
    let result = Exercise(Repository.wholeJob(side))
    #expect(result.error == nil)
    #expect(result.endsAtBoundary)
    return result.frames
  }
}

extension Repository {
  /// Bytes of one direction of the job in protocol.md §20.
  static func wholeJob(_ side: String) -> [UInt8] { conversation("job", side) }

  /// Bytes of one direction of a conversation in protocol.md §20.
  static func conversation(_ name: String, _ side: String) -> [UInt8] {
    Hex.bytes(listing("hex " + name).filter { $0.hasPrefix(side + " ") }.map { $0.dropFirst(2) })
  }
}
