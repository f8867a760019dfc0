import Glibc
import WriterKit

/// Writes the only disk of a job as one plain file; what is not written stays a hole.
final class PlainWriter: ArchiveWriter {
  let file: Int32
  var length: UInt64 = 0
  init(job: Job, output: Output, host: Host) throws(PluginError) {
    guard job.streams.count == 1 else { throw PluginError(.badJob, "plain holds one disk only") }
    file = output.descriptor
  }
  func open(_ stream: StreamDescription) throws(PluginError) {}
  func data(_ data: borrowing StreamData) throws(PluginError) {
    var end = 0
    while let run = data.nextRun(from: end) {  // blocks of zeros are left out
      let offset = Int(data.offset) + run.lowerBound
      let written = data.bytes.extracting(run).withUnsafeBytes {
        pwrite(file, $0.baseAddress, $0.count, offset)
      }
      guard written == run.count else { throw PluginError("writing", errno: errno) }
      end = run.upperBound
    }
  }
  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {}
  func close(length: UInt64, digest: Digest) throws(PluginError) {
    guard ftruncate(file, Int(length)) == 0 else { throw PluginError("closing", errno: errno) }
    self.length = length
  }
  func finish() throws(PluginError) -> Finished {
    guard fsync(file) == 0 else { throw PluginError("completing", errno: errno) }
    return Finished(archiveBytes: length)
  }
  func abort() {}
}

@main struct Main {
  static func main() {
    Plugin(manifest: PackageResources.plain_json, writer: PlainWriter.self).run()
  }
}
