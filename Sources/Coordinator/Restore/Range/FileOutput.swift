internal import BackupProtocol
internal import CLinux
internal import JobSupport
internal import PluginHost
internal import Pump
internal import System

/// A new sparse file, which has its name when all of it is there.
final class FileOutput: RangeOutput {
  private let path: String
  private let staging: StagingPlace
  /// Closed when all is written: what is published has no writer.
  private var file: OwnedDescriptor?

  /// - Parameter id: The job's.
  /// - Throws: `JobError` if there is such a file, or it cannot be made.
  init(_ path: String, id: String, _ events: @escaping EventSink) throws(JobError) {
    self.path = path
    let creating = "create \(path)"
    do throws(PublishingError) {
      staging = try StagingPlace(target: path, kind: .file, id: id)
    } catch { throw JobError(error, cannot: creating) }
    staging.tellIfLeft(events)
    staging.warnIfShared(events)
    let place = staging
    file = try attempt(creating) { () throws(SystemCallError) in try place.descriptorForPlugin() }
  }

  func put(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(LaneFailure) {
    try writing { () throws(SystemCallError) in
      try unsafe file?.writeAll(bytes, at: Int64(offset), subject: path)
    }
  }

  func finish(_ byteCount: UInt64) throws(LaneFailure) {
    try writing { () throws(SystemCallError) in
      try check(clinux_ftruncate(file?.raw ?? -1, Int64(byteCount)), .ftruncate, path)
    }
    file = nil
  }

  /// Gives the file its name.
  func publish(_ events: EventSink) throws(JobError) {
    do throws(PublishingError) { try staging.publish() } catch {
      throw JobError(error, cannot: "publish \(path)")
    }
    staging.tellIfMoved(events)
  }

  private func writing(
    _ body: () throws(SystemCallError) -> Void
  ) throws(LaneFailure) {
    do throws(SystemCallError) { try body() } catch { throw .target("\(error)") }
  }
}
