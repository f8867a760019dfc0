import ArchiveBytes
import ArchiveFiles
import DiskFormats
import RawFormat
import System
import WriterKit

extension Layout {
  /// `NAME.qcow2`, `NAME`, `NAME.bin` and the receipt.
  static let qcow2 = Layout(
    diskSuffix: ".qcow2", reserved: [manifest], holdsIncrements: true)
}

/// What images cannot hold is refused before anything is read.
func checkJob(_ job: Job) throws(PluginError) {
  try Layout.qcow2.check(job.streams)
  for stream in job.streams where stream.kind == .disk {
    do throws(PluginError) {
      try plugin { () throws(ArchiveError) in
        try QCOW2Encoder.check(capacityBytes: stream.size ?? 0)
      }
      _ = try backing(of: stream, job)
    } catch { throw PluginError(error.code, "\"\(stream.name)\": \(error.message)") }
  }
}

/// The image that an increment lies above; `nil` for a whole disk.
///
/// - Throws: E_BAD_JOB, E_TOO_LARGE.
func backing(
  of stream: StreamDescription, _ job: Job
) throws(PluginError) -> QCOW2Encoder.Backing? {
  guard stream.isIncremental else { return nil }
  guard let parent = job.parent, let disk = parent.streams[stream.name] else {
    throw PluginError(.badJob, "an increment of a disk that the parent does not have")
  }
  guard let location = parent.location else {
    throw PluginError(
      .badJob,
      "a qcow2 image names the file of its parent, and the job does not say where that is; put "
        + "both archives below one directory")
  }
  let name = backingName(location, Layout.qcow2.fileName(stream))
  guard name.count <= QCOW2.backingBytesMax else {
    throw PluginError(
      .tooLarge,
      "the path to the parent's file has \(name.count) bytes; the limit of qcow2 is "
        + "\(QCOW2.backingBytesMax); use a shorter path")
  }
  return QCOW2Encoder.Backing(name: name, capacityBytes: disk.size)
}

/// A path as QEMU reads it, relative to the image: a colon before the first slash would make it the
/// name of a protocol.
func backingName(_ location: String, _ file: String) -> [UInt8] {
  var path = location + "/" + file
  if path.utf8.prefix(while: { $0 != UInt8(ascii: "/") }).contains(UInt8(ascii: ":")) {
    path = "./" + path
  }
  return nameBytes(path)
}
