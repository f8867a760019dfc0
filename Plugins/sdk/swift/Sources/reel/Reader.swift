// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

import WriterKit

/// Reads streams by the index, and holds each against its digest.
final class Reader: ArchiveReader {
  private static let tailBytes = 24
  private static let indexBytesMax: UInt64 = 4 << 20

  private let input: Input
  private let contents: Contents
  /// Where each stream begins and ends.
  private var places: [UInt32: Range<UInt64>] = [:]
  private var proven: [Bool] = []

  var streams: [StreamDescription] { contents.streams }
  var machine: Job.Machine { contents.machine }
  var description: MachineDescription? { contents.description }
  var instant: Timestamp? { contents.instant }
  var isProven: Bool { proven.allSatisfy { $0 } }

  init(job: Job, input: Input, host: Host) throws(PluginError) {
    self.input = input
    let size = try input.file.size()
    guard size >= UInt64(magic.count + Self.tailBytes), try input.file.read(8, at: 0) == magic
    else {
      throw Self.damage("this is no complete reel")
    }
    let tail = try input.file.read(Self.tailBytes, at: size - UInt64(Self.tailBytes))
    let (at, length) = (number(tail[..<8]), number(tail[8..<12]))
    let end = size - UInt64(Self.tailBytes)
    guard Array(tail[16...]) == magic, length <= Self.indexBytesMax, at <= end, end - at == length
    else { throw Self.damage("it has no tail") }
    let text = try input.file.read(Int(length), at: at)
    guard UInt64(Checksum.of(text[...])) == number(tail[12..<16]) else {
      throw Self.damage("the index has another checksum")
    }
    contents = try Contents(parsing: text)
    try takePlaces(upTo: at)
  }

  private func takePlaces(upTo end: UInt64) throws(PluginError) {
    let members = contents.json["streams"]?.array ?? []
    let starts = members.map { $0["at"]?.integer.flatMap { UInt64(exactly: $0) } ?? 0 }
    let ends = starts.dropFirst() + [end]
    guard (starts.first ?? end) == UInt64(magic.count), zip(starts, ends).allSatisfy(<=) else {
      throw Self.damage("its index does not fit")
    }
    for (stream, (start, end)) in zip(streams, zip(starts, ends)) {
      places[stream.id] = start..<end
    }
  }

  static func damage(_ what: String) -> PluginError {
    PluginError(.corrupt, "the archive is damaged: \(what)")
  }

  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    let whole = places[stream.id] ?? 0..<0
    var place = whole.lowerBound
    var tree = TreeDigest()
    proven.append(false)
    while sink.position < sink.end {
      let record = try record(at: place, of: stream, sink)
      place += UInt64(Record.byteCount)
      switch record.kind {
      case .zero, .hole:
        tree.updateZeros(record.length)
        try sink.zeros(record.length, record.kind == .zero ? .zero : .hole)
      case .unchanged:
        tree.updateUnchanged(record.length)
        try sink.unchanged(record.length)
      case .data:
        let bytes = try input.file.read(Int(record.length), at: place)
        place += record.length
        guard Checksum.of(bytes[...]) == record.sum else {
          try sink.damaged(
            record.length, "the archive is damaged: the data before byte \(place)")
          continue
        }
        tree.update(bytes.span.bytes)
        try put(bytes, sink)
      }
    }
    guard place == whole.upperBound else {
      throw Self.damage("something lies behind \(stream.name)")
    }
    try prove(stream, tree.finish(), sink)
  }

  /// The record that continues the stream: nothing of it is believed before.
  private func record(
    at place: UInt64, of stream: StreamDescription, _ sink: ReadSink
  ) throws(PluginError) -> Record {
    let bytes = try input.file.read(Record.byteCount, at: place)
    guard let record = Record(parsing: bytes) else {
      throw Self.damage("a record of \(stream.name) at byte \(place)")
    }
    let left = sink.end - sink.position
    let most = record.kind == .data ? min(left, Record.dataMax) : left
    guard record.stream == stream.id, record.offset == sink.position, record.length >= 1,
      record.length <= most, record.kind != .unchanged || stream.isIncremental,
      record.length == left || (record.offset + record.length) % Cluster.bytes == 0
    else { throw Self.damage("\(stream.name) has a record that does not continue it") }
    return record
  }

  private func put(_ bytes: [UInt8], _ sink: ReadSink) throws(PluginError) {
    for start in stride(from: 0, to: bytes.count, by: sink.pieceBytesMax) {
      let piece = bytes[start..<min(bytes.count, start + sink.pieceBytesMax)]
      try sink.data(piece.count) { room in
        room.withUnsafeMutableBytes { $0.copyBytes(from: piece) }
      }
    }
  }

  /// Holds the bytes against the archive's own digest.
  private func prove(
    _ stream: StreamDescription, _ found: [UInt8], _ sink: ReadSink
  ) throws(PluginError) {
    guard let digest = stream.digest, digest.algorithm != .sha256, !sink.hasDamage else { return }
    guard digest.bytes == found else { throw Self.damage("\(stream.name) has another digest") }
    proven[proven.count - 1] = true
  }
}
