import BackupProtocol
import CommandLine
import Glibc
import JSON
import Testing

/// The table of constants that the SDKs are made of is the codec's, and protocol.md's.
@Suite struct ConstantsTests {
  private static let folder = Repository.root + "/Plugins/sdk/constants"
  private let table: JSONObject

  init() throws {
    let text = Repository.text(of: Self.folder + "/constants.json")
    table = try #require(try JSONValue(parsing: Array(text.utf8)).object)
  }

  private func rows(_ name: String) -> [JSONObject] {
    (table[name]?.array ?? []).compactMap(\.object)
  }

  private func words(_ name: String) -> [String] {
    (table[name]?.array ?? []).compactMap(\.string)
  }

  private func number(_ value: JSONValue?) -> UInt64? {
    if let integer = value?.integer { return UInt64(integer) }
    return value?.string.flatMap { UInt64($0.dropFirst(2), radix: 16) }
  }

  @Test(.enabled(if: MinimalPlugin.canRun, "needs python3"))
  func `the SDKs and the document are what the table says`() {
    #expect(system("python3 -B '\(Self.folder)/generate.py' --check") == 0)
  }

  @Test func `frames`() throws {
    let frames = rows("frames")
    #expect(frames.count == FrameType.names.count)
    for frame in frames {
      let type = FrameType(rawValue: UInt16(try #require(number(frame["type"]))))
      #expect(frame["name"]?.string == FrameType.names[type])
      #expect(number(frame["max"]) == UInt64(type.payloadBytesMax), "\(type.name)")
      #expect(frame["ignorable"]?.bool == type.isIgnorable, "\(type.name)")
      // What the table says of streams, tried on a header.
      let least = UInt32(number(frame["min"]) ?? 0)
      let streams = [UInt32(0), 1].filter { stream in
        let header = FrameHeader(length: least, type: type, stream: stream, sequence: 0)
        var bytes: [UInt8] = []
        header.append(to: &bytes)
        return
          (try? FrameHeader(parsing: bytes.span.bytes, frameBytesMax: Limits.frameBytesMax)) != nil
      }
      let expected = ["0": [0], "s": [1], "any": [0, 1]] as [String: [UInt32]]
      #expect(streams == expected[frame["stream"]?.string ?? ""], "\(type.name)")
    }
  }

  @Test func `errors`() {
    let errors = rows("errors")
    for number in UInt32(1)...99 {
      let code = ErrorCode(rawValue: number)
      let row = errors.first { $0["code"]?.integer == Int64(number) }
      let isAssigned = code.name != "E_INTERNAL" || code == .internal
      #expect(row?["name"]?.string == (isAssigned ? code.name : nil), "\(number)")
    }
  }

  @Test func `limits`() {
    var values: [String: UInt64] = [:]
    for limit in rows("limits") {
      for member in limit["values"]?.object?.members ?? [] {
        values[member.name] = number(member.value)
      }
    }
    let expected: [String: UInt64] = [
      "JSON_BYTES_MAX": UInt64(Limits.controlBytesMax),
      "FRAME_BYTES_MAX": UInt64(Limits.frameBytesMax),
      "INLINE_BYTES_MAX": UInt64(Limits.inlineBytesMax),
      "JSON_DEPTH_MAX": UInt64(Limits.jsonDepthMax), "INTEGER_MAX": (1 << 53) - 1,
      "NAME_BYTES_MAX": UInt64(Limits.nameBytesMax),
      "SLOT_BYTES_MIN": UInt64(Limits.slotBytes.lowerBound),
      "SLOT_BYTES_MAX": UInt64(Limits.slotBytes.upperBound),
      "SLOTS_MIN": UInt64(Limits.slotCount.lowerBound),
      "SLOTS_MAX": UInt64(Limits.slotCount.upperBound),
      "WINDOW_BYTES_MIN": Limits.windowBytes.lowerBound,
      "WINDOW_BYTES_MAX": Limits.windowBytes.upperBound,
      "WINDOW_BYTES_DEFAULT": Limits.windowBytesDefault,
      "INFLIGHT_MIN": UInt64(Limits.inflight.lowerBound),
      "INFLIGHT_MAX": UInt64(Limits.inflight.upperBound),
      "INFLIGHT_DEFAULT": UInt64(Limits.inflightDefault),
      "STREAMS_MAX": UInt64(Limits.streamsMax), "STREAM_BYTES_MAX": Limits.streamBytesMax,
      "RELEASES_MAX": UInt64(Limits.releasesMax), "EXTENTS_MAX": UInt64(Limits.extentsMax),
      "TEXT_BYTES_MAX": UInt64(Limits.logBytesMax), "TOKEN_BYTES_MAX": UInt64(Limits.tokenBytesMax),
      "BUSY_MILLISECONDS_MAX": UInt64(Limits.busyMillisecondsMax),
      "ARTEFACTS_MAX": UInt64(Limits.artefactsMax),
      "MANIFEST_BYTES_MAX": UInt64(Manifest.byteCountMax),
    ]
    for (name, value) in expected { #expect(values[name] == value, "\(name)") }
  }

  @Test func `what is neither frame, error nor limit`() {
    let features = rows("features").compactMap { $0["name"]?.string }
    #expect(Set(Feature.allCases.map(\.rawValue)).isSubset(of: features))
    #expect(table["versions"] == [.integer(Int64(Hello.version))])
    #expect(table["cluster_bytes"] == 65536 && table["header_bytes"] == 16)
    let preamble = Limits.preamble.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    #expect(table["preamble"]?.string == preamble)
    for digest in rows("digests") {
      let algorithm = DigestAlgorithm(rawValue: UInt16(number(digest["alg"]) ?? 99))
      #expect(digest["name"]?.string ?? "none" == algorithm?.name)
    }
    #expect(rows("digests").count == 4)
    let kinds = words("extent_kinds")
    for (number, kind) in kinds.enumerated() {
      #expect("\(Extent.Kind(rawValue: UInt32(number))!)".uppercased() == kind)
    }
    #expect(Array(kinds.dropFirst()) == words("zero_kinds"), "those of a ZERO are one less")
    for (number, level) in words("log_levels").enumerated() {
      #expect("\(LogFrame.Level(rawValue: UInt8(number))!)".uppercased() == level)
    }
  }
}
