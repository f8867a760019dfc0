import WriterKit

/// A stream that is in the archive.
struct StoredStream {
  let stream: StreamDescription
  /// Bytes of the stream and of the file.
  let length: UInt64
  /// Bytes the file takes on the disk.
  let storedBytes: UInt64
  /// The host's.
  let digest: Digest
  /// Of the whole file, if SHA256SUMS is to list it.
  let sha256: [UInt8]?

  var file: String { Layout.fileName(stream) }
}

/// The text of manifest.json: the receipt, and for each stream its `file`, the bytes `stored` for
/// it, and `allocated` if the host knew what the source had.
func manifestText(_ job: Job, _ stored: [StoredStream], tools: [String]) -> [UInt8] {
  let receipt = Receipt(
    job: job.id, format: job.format, instant: job.instant, vm: job.vm, tools: tools,
    streams: stored.map {
      Receipt.Stream(
        name: $0.stream.name, kind: $0.stream.kind, role: $0.stream.role, size: $0.length,
        digest: $0.digest)
    })
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
