import WriterKit

/// The writer of the job's format.
final class FormatWriter: ArchiveWriter {
  private let writer: any ArchiveWriter

  init(job: Job, output: Output, host: Host) throws(PluginError) {
    writer =
      job.format == "ova"
      ? try OVAWriter(job: job, output: output, host: host)
      : try TarWriter(job: job, output: output, host: host)
  }

  func map(_ stream: StreamDescription, _ extents: [Extent]) throws(PluginError) {
    try writer.map(stream, extents)
  }

  func open(_ stream: StreamDescription) throws(PluginError) { try writer.open(stream) }

  func data(_ data: borrowing StreamData) throws(PluginError) { try writer.data(data) }

  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {
    try writer.zero(range, kind)
  }

  func close(length: UInt64, digest: Digest) throws(PluginError) {
    try writer.close(length: length, digest: digest)
  }

  func finish() throws(PluginError) -> Finished { try writer.finish() }

  func abort() { writer.abort() }
}
