import WriterKit

/// The reader of the job's format.
final class FormatReader: ArchiveReader {
  private let reader: any ArchiveReader

  init(job: Job, input: Output, host: Host) throws(PluginError) {
    reader =
      job.format == "ova"
      ? try OVAReader(job: job, input: input, host: host)
      : try TarReader(job: job, input: input, host: host)
  }

  var streams: [StreamDescription] { reader.streams }
  var machine: Job.Machine { reader.machine }
  var description: MachineDescription? { reader.description }
  var instant: Timestamp? { reader.instant }
  var isProven: Bool { reader.isProven }

  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    try reader.read(stream, range, into: sink)
  }

  func finish() throws(PluginError) { try reader.finish() }
}
