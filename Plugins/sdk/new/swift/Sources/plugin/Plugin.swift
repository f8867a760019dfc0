import WriterKit

/// Writes, reads and verifies newformat archives (FORMAT.md).
@main struct Main {
  static func main() {
    let code: Plugin.Code = (Writer.self, Reader.self)
    Plugin(manifest: PackageResources.manifest_json, formats: ["newformat": code]).run()
  }
}

let magic: [UInt8] = [0x89] + Array("newformat".utf8) + [0x0D, 0x0A, 0x1A, 0x0A]

/// What stands before the data of a record, if it has some.
struct Head {
  static let byteCount = 24
  static let dataBytesMax: UInt64 = 16 << 20
  enum Kind: UInt32 { case data, zeros, hole }

  var stream: UInt32
  var kind: Kind
  var length: UInt64
  var sum: UInt32

  var bytes: [UInt8] {
    let fields = stream.littleEndianBytes + kind.rawValue.littleEndianBytes
    let checked = fields + length.littleEndianBytes + sum.littleEndianBytes
    return checked + CRC32.of(checked).littleEndianBytes
  }

  init(_ stream: UInt32, _ kind: Kind, _ length: UInt64, _ sum: UInt32) {
    (self.stream, self.kind, self.length, self.sum) = (stream, kind, length, sum)
  }

  /// - Returns: `nil` for bytes that are none.
  init?(parsing bytes: [UInt8]) {
    guard CRC32.of(bytes[..<20]) == UInt32(littleEndianBytes: bytes[20...]),
      let kind = Kind(rawValue: UInt32(littleEndianBytes: bytes[4..<8]))
    else { return nil }
    let stream = UInt32(littleEndianBytes: bytes[..<4])
    let length = UInt64(littleEndianBytes: bytes[8..<16])
    self.init(stream, kind, length, UInt32(littleEndianBytes: bytes[16..<20]))
  }
}

final class Writer: ArchiveWriter {
  let (job, host): (Job, Host)
  var file: ArchiveFile
  var streams: [(stream: StreamDescription, length: UInt64, digest: Digest)] = []
  var places: [JSONObject] = []

  init(job: Job, output: Output, host: Host) throws(PluginError) {
    (self.job, self.host) = (job, host)
    file = output.file
    try file.append(magic)
  }

  func open(_ stream: StreamDescription) throws(PluginError) {
    streams.append((stream, 0, .none))
    places.append(["id": JSONValue(stream.id), "start": JSONValue(file.place)])
  }

  var id: UInt32 { streams.last?.stream.id ?? 0 }

  func data(_ data: borrowing StreamData) throws(PluginError) {
    try file.append(Head(id, .data, UInt64(data.count), CRC32.of(data.bytes)).bytes)
    try file.append(data.bytes)
  }

  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {
    try file.append(Head(id, kind == .hole ? .hole : .zeros, UInt64(range.count), 0).bytes)
  }

  func close(length: UInt64, digest: Digest) throws(PluginError) {
    (streams[streams.count - 1].length, streams[streams.count - 1].digest) = (length, digest)
  }

  func finish() throws(PluginError) -> Finished {
    var index = job.receipt(streams, more: places, host: host)
    index["machine"] = job.machine.map { .object($0.object) } ?? .null
    try file.writeIndex(JSONValue.object(index).serialised(), magic)
    return try file.finish()
  }
}

final class Reader: IndexedReader {
  static let checksDigests = true
  let file: ArchiveFile
  let contents: Contents

  init(job: Job, input: Input, host: Host) throws(PluginError) {
    file = input.file
    contents = try Contents(parsing: file.readIndex(magic))
  }

  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    var place = UInt64(clamping: contents.json(of: stream)["start"]?.integer ?? 0)
    while sink.position < sink.end {
      let head = Head(parsing: try file.read(Head.byteCount, at: place))
      guard let head, head.stream == stream.id, sink.takes(head.length) else {
        throw .damaged("a record of \(stream.name) at byte \(place)")
      }
      place += UInt64(Head.byteCount)
      switch head.kind {
      case .zeros: try sink.zeros(head.length, .zero)
      case .hole: try sink.zeros(head.length, .hole)
      case .data: try read(head, &place, into: sink)
      }
    }
  }

  func read(_ head: Head, _ place: inout UInt64, into sink: ReadSink) throws(PluginError) {
    guard head.length <= Head.dataBytesMax else { throw .damaged("a record is too large") }
    let data = try file.read(Int(head.length), at: place)
    place += head.length
    if CRC32.of(data) == head.sum { return try sink.writeAll(data) }
    try sink.damaged(head.length, "the archive is damaged: the data before byte \(place)")
  }
}
