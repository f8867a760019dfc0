internal import PluginHost
internal import System

extension StagingPlace {
  /// Says where the archive is, if its directory was renamed during the job: it was held open, and
  /// is no longer where the user looks for it.
  func tellIfMoved(_ events: EventSink) {
    guard let newPath else { return }
    events(.warning("the directory of \(target) was renamed during the job: it is at \(newPath)"))
  }

  /// Says so, if the place cannot be removed when the job is over.
  func tellIfLeft(_ events: @escaping EventSink) {
    leftBehind = { path, error in
      events(
        .warning(
          "\(path) could not be removed: \(error); when that is mended: sluice clean "
            + splitPath(path).directory))
    }
  }

  /// Warns of a directory in which another user could exchange what was restored.
  func warnIfShared(_ events: EventSink) {
    guard isShared else { return }
    events(
      .warning(
        "another user may write to the directory of \(target), and could put another file in its "
          + "place"))
  }

  /// Refuses a file system that cannot take room before there is data.
  func requireReservation() throws(JobError) {
    guard !hasReservation else { return }
    throw JobError(
      .cannotCreate, doing: "preparing \(target)",
      "its file system cannot take room before there is data", hint: "leave out --preallocate")
  }
}
