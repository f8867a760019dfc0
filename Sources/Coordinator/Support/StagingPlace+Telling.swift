package import PluginHost
internal import Requests
internal import System

extension StagingPlace {
  /// Reports where the archive is, if its directory was renamed during the job: it was held open.
  package func tellIfMoved(_ events: EventSink) {
    guard let newPath else { return }
    events(
      .warning("the directory of \(target) was renamed during the job; it is now at \(newPath)"))
  }

  /// Warns if the staging place cannot be removed when the job is over.
  package func tellIfLeft(_ events: @escaping EventSink) {
    leftBehind = { path, error in
      events(
        .warning(
          "\(path) could not be removed: \(error)",
          .clean(directory: splitPath(path).directory)))
    }
  }

  /// Warns of a directory in which another user could replace what was restored.
  package func warnIfShared(_ events: EventSink) {
    guard isShared else { return }
    events(
      .warning(
        "another user can write to the directory of \(target) and could replace the file"))
  }

  /// Refuses a file system without preallocation.
  package func requireReservation() throws(JobError) {
    guard !hasReservation else { return }
    throw JobError(
      .cannotCreate, cannot: "restore to \(target)",
      "its file system does not support preallocation", hint: .omitPreallocation)
  }
}
