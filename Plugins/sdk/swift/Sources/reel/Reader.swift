// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

import WriterKit

/// Reads streams by the index; the kit holds each against its digest.
final class Reader: IndexedReader {
  static let checksDigests = true

  private static let tailBytes = 24

  let contents: Contents
  private let file: ArchiveFile
  /// Where each stream begins and ends.
  private var places: [UInt32: Range<UInt64>] = [:]

  init(job: Job, input: Input, host: Host) throws(PluginError) {
    file = input.file
    let text = try file.readIndex(magic)
    contents = try Contents(parsing: text)
    try takePlaces(upTo: file.size() - UInt64(text.count + Self.tailBytes))
  }

  private func takePlaces(upTo end: UInt64) throws(PluginError) {
    let starts = streams.map { stream in
      contents.json(of: stream)["at"]?.integer.flatMap { UInt64(exactly: $0) } ?? 0
    }
    let ends = starts.dropFirst() + [end]
    guard (starts.first ?? end) == UInt64(magic.count), zip(starts, ends).allSatisfy(<=) else {
      throw .damaged("its index does not fit")
    }
    for (stream, (start, end)) in zip(streams, zip(starts, ends)) {
      places[stream.id] = start..<end
    }
  }

  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    let whole = places[stream.id] ?? 0..<0
    var place = whole.lowerBound
    while sink.position < sink.end {
      let record = try record(at: place, of: stream, sink)
      place += UInt64(Record.byteCount)
      switch record.kind {
      case .zero: try sink.zeros(record.length, .zero)
      case .hole: try sink.zeros(record.length, .hole)
      case .unchanged: try sink.unchanged(record.length)
      case .data:
        let bytes = try file.read(Int(record.length), at: place)
        place += record.length
        if CRC32.of(bytes) == record.sum {
          try sink.writeAll(bytes)
        } else {
          try sink.damaged(
            record.length, "the archive is damaged: the data before byte \(place)")
        }
      }
    }
    guard place == whole.upperBound else {
      throw .damaged("something lies behind \(stream.name)")
    }
  }

  /// The record that continues the stream: nothing of it is believed before.
  private func record(
    at place: UInt64, of stream: StreamDescription, _ sink: ReadSink
  ) throws(PluginError) -> Record {
    guard let record = Record(parsing: try file.read(Record.byteCount, at: place)) else {
      throw .damaged("a record of \(stream.name) at byte \(place)")
    }
    guard record.stream == stream.id, record.offset == sink.position, sink.takes(record.length),
      record.kind != .data || record.length <= Record.dataMax,
      record.kind != .unchanged || stream.isIncremental
    else { throw .damaged("\(stream.name) has a record that does not continue it") }
    return record
  }
}
