import WriterKit

/// PLACEHOLDER: the reader's author replaces this file.
final class OVAReader: ArchiveReader {
  let streams: [StreamDescription] = []
  init(job: Job, input: Output, host: Host) throws(PluginError) {
    throw PluginError(.unsupported, "ova cannot be read yet")
  }
  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {}
}
