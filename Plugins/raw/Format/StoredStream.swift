package import WriterKit

/// A stream that is in the archive.
package struct StoredStream {
  package let stream: StreamDescription
  /// Its name in the directory.
  package let file: String
  /// Bytes of the stream.
  package let length: UInt64
  /// Bytes the file takes on the disk.
  package let storedBytes: UInt64
  /// The host's.
  package let digest: Digest
  /// Of the whole file, if SHA256SUMS is to list it.
  package let sha256: [UInt8]?

  package init(
    stream: StreamDescription, in layout: Layout = .raw, length: UInt64, storedBytes: UInt64,
    digest: Digest, sha256: [UInt8]? = nil
  ) {
    self.stream = stream
    file = layout.fileName(stream)
    self.length = length
    self.storedBytes = storedBytes
    self.digest = digest
    self.sha256 = sha256
  }
}

/// The text of manifest.json: the receipt, and for each stream its `file`, the bytes `stored` for
/// it, and `allocated` if the host knew what the source had.
package func manifestText(_ job: Job, _ stored: [StoredStream], tools: [String]) -> [UInt8] {
  let receipt = Receipt(
    job: job.id, format: job.format, instant: job.instant, vm: job.vm, tools: tools,
    level: job.level, parent: job.parent,
    streams: stored.map { Receipt.Stream($0.stream, size: $0.length, digest: $0.digest) })
  var object = receipt.object
  let streams = zip(object["streams"]?.array ?? [], stored).map { json, stream in
    var members = json.object ?? [:]
    if stream.digest.algorithm == .none { members["digest"] = nil }
    members["file"] = .string(stream.file)
    members["stored"] = JSONValue(stream.storedBytes)
    if let allocated = stream.stream.allocated { members["allocated"] = JSONValue(allocated) }
    return JSONValue.object(members)
  }
  object["streams"] = .array(streams)
  return JSONValue.object(object).serialised(.indented)
}
