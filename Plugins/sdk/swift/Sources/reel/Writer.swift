// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

import WriterKit

/// Writes records one behind the other, then the index and the tail.
final class Writer: ArchiveWriter {
  private let job: Job
  private let host: Host
  private let output: Output
  private let recordBytes: Int
  /// Where the next byte goes.
  private var place: UInt64 = 0
  private var stream: StreamDescription?
  private var start: UInt64 = 0
  private var closed: [(stream: StreamDescription, length: UInt64, digest: Digest)] = []
  private var starts: [UInt64] = []

  init(job: Job, output: Output, host: Host) throws(PluginError) {
    self.job = job
    self.host = host
    self.output = output
    recordBytes = (host.options.integer("record-kib") ?? 1024) << 10
    try put(magic)
  }

  private func put(_ bytes: [UInt8]) throws(PluginError) {
    try output.file.append(bytes)
    place += UInt64(bytes.count)
  }

  func open(_ stream: StreamDescription) throws(PluginError) {
    self.stream = stream
    starts.append(place)
  }

  func data(_ data: borrowing StreamData) throws(PluginError) {
    for start in stride(from: 0, to: data.count, by: recordBytes) {
      let bytes = data.bytes.extracting(start..<min(data.count, start + recordBytes))
      var record = Record(
        stream: stream?.id ?? 0, kind: .data, offset: data.offset + UInt64(start),
        length: UInt64(bytes.byteCount))
      record.sum = Checksum.of(bytes)
      try put(record.bytes)
      try output.file.append(bytes)
      place += record.length
    }
  }

  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {
    let known: Record.Kind =
      switch kind {
      case .data, .zero: .zero
      case .hole: .hole
      case .unchanged: .unchanged
      }
    try put(
      Record(
        stream: stream?.id ?? 0, kind: known, offset: range.lowerBound,
        length: UInt64(range.count)
      ).bytes)
  }

  func close(length: UInt64, digest: Digest) throws(PluginError) {
    if let stream { closed.append((stream, length, digest)) }
  }

  func finish() throws(PluginError) -> Finished {
    var index = job.receipt(closed, host: host)
    let streams = zip(index["streams"]?.array ?? [], zip(closed, starts)).map { json, more in
      var members = json.object ?? [:]
      members["id"] = JSONValue(more.0.stream.id)
      members["at"] = JSONValue(more.1)
      return JSONValue.object(members)
    }
    index["streams"] = .array(streams)
    if let machine = job.machine { index["machine"] = .object(machine.object) }
    let text = JSONValue.object(index).serialised()
    let tail = littleEndian(place) + littleEndian(UInt32(text.count))
    try put(text + tail + littleEndian(Checksum.of(text[...])) + magic)
    try output.file.synchronize()
    return Finished(archiveBytes: place)
  }
}
