import WriterKit

/// Writes the only disk of a job as one plain file; what is not written stays a hole.
final class PlainWriter: ArchiveWriter {
  let output: Output
  var length: UInt64 = 0
  init(job: Job, output: Output, host: Host) throws(PluginError) {
    guard job.streams.count == 1 else { throw PluginError(.badJob, "plain holds one disk only") }
    self.output = output
  }
  func data(_ data: borrowing StreamData) throws(PluginError) {
    var end = 0
    while let run = data.nextRun(from: end) {  // blocks of zeros are left out
      let bytes = data.bytes.extracting(run)
      try output.file.write(bytes, at: data.offset + UInt64(run.lowerBound))
      end = run.upperBound
    }
  }
  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {}
  func close(length: UInt64, digest: Digest) throws(PluginError) {
    self.length = length
    try output.file.resize(to: length)
  }
  func finish() throws(PluginError) -> Finished {
    try output.file.synchronize()
    return Finished(archiveBytes: length)
  }
}

@main struct Main {
  static func main() {
    Plugin(manifest: PackageResources.plain_json, formats: ["plain": (PlainWriter.self, nil)]).run()
  }
}
