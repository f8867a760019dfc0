// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

import WriterKit

/// Writes records one behind the other, then the index and the tail.
final class Writer: ArchiveWriter {
  private let job: Job
  private let host: Host
  private let recordBytes: Int
  private var file: ArchiveFile
  private var stream: StreamDescription?
  private var closed: [(stream: StreamDescription, length: UInt64, digest: Digest)] = []
  /// Of each stream its id, and where its records begin.
  private var places: [JSONObject] = []

  init(job: Job, output: Output, host: Host) throws(PluginError) {
    self.job = job
    self.host = host
    recordBytes = (host.options.integer("record-kib") ?? 1024) << 10
    file = output.file
    try file.append(magic)
  }

  func open(_ stream: StreamDescription) throws(PluginError) {
    self.stream = stream
    places.append(["id": JSONValue(stream.id), "at": JSONValue(file.place)])
  }

  func data(_ data: borrowing StreamData) throws(PluginError) {
    for start in stride(from: 0, to: data.count, by: recordBytes) {
      let bytes = data.bytes.extracting(start..<min(data.count, start + recordBytes))
      var record = Record(
        stream: stream?.id ?? 0, kind: .data, offset: data.offset + UInt64(start),
        length: UInt64(bytes.byteCount))
      record.sum = CRC32.of(bytes)
      try file.append(record.bytes)
      try file.append(bytes)
    }
  }

  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {
    let known: Record.Kind =
      switch kind {
      case .data, .zero: .zero
      case .hole: .hole
      case .unchanged: .unchanged
      }
    let record = Record(
      stream: stream?.id ?? 0, kind: known, offset: range.lowerBound, length: UInt64(range.count))
    try file.append(record.bytes)
  }

  func close(length: UInt64, digest: Digest) throws(PluginError) {
    if let stream { closed.append((stream, length, digest)) }
  }

  func finish() throws(PluginError) -> Finished {
    var index = job.receipt(closed, more: places, host: host)
    if let machine = job.machine { index["machine"] = .object(machine.object) }
    try file.writeIndex(JSONValue.object(index).serialised(), magic)
    return try file.finish()
  }
}
