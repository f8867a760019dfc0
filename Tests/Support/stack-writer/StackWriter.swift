import BackupProtocol
import CLinux
import Glibc
import JSON
import WriterKit

/// Writes each piece where the one before has ended; never seeks.
final class StackWriter: ArchiveWriter {
  private let output: Output
  private var stored: UInt64 = 0

  init(job: Job, output: Output, host: Host) throws(PluginError) {
    self.output = output
    var content = JobAck(streams: job.streams)
    (content.vm, content.instant) = (job.vm, job.instant)
    content.machine = job.machine
    let head = Array(JSONValue.object(content.object).text.utf8)
    try write(Stack.magic + littleEndian(UInt64(head.count)).prefix(4) + head)
  }

  func open(_ stream: StreamDescription) throws(PluginError) {}

  func data(_ data: borrowing StreamData) throws(PluginError) {
    try write(
      Stack.Record(offset: data.offset, length: UInt64(data.count), kind: .data).bytes)
    try write(data.bytes)
  }

  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {
    let length = range.upperBound - range.lowerBound
    try write(Stack.Record(offset: range.lowerBound, length: length, kind: .zeros).bytes)
  }

  func close(length: UInt64, digest: Digest) throws(PluginError) {
    try write(Stack.Record(offset: length, length: 0, kind: .end).bytes)
  }

  func finish() throws(PluginError) -> Finished {
    if output.kind == .file, clinux_fsync(output.descriptor) < 0 {
      throw PluginError("completing the stack", errno: EIO)
    }
    return Finished(archiveBytes: stored)
  }

  func abort() {}

  private func write(_ bytes: [UInt8]) throws(PluginError) { try write(bytes.span.bytes) }

  private func write(_ bytes: RawSpan) throws(PluginError) {
    var done = 0
    while done < bytes.byteCount {
      let count = bytes.withUnsafeBytes { buffer in
        clinux_write(output.descriptor, buffer.baseAddress! + done, buffer.count - done)
      }
      guard count > 0 else { throw PluginError("writing the stack", errno: Int32(-count)) }
      done += count
    }
    stored += UInt64(bytes.byteCount)
  }
}
