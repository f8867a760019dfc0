internal import CLinux
internal import Glibc
internal import System

/// Jobs that are at work on an archive of some name: it is theirs from their start.
enum LivingJobs {
  /// The process that makes an archive of that name in a directory, if one of this machine does.
  ///
  /// What cannot be looked into, another user's or another machine's place, is passed over: then
  /// the second who is ready finds the name taken.
  ///
  /// - Parameter job: The one that asks.
  static func process(making target: String, in parent: Int32, besides job: String) -> Int64? {
    for name in StagingLeftovers.names(in: parent) {
      guard let parsed = StagingName.parse(name), parsed.target == target, parsed.id != job,
        let directory = try? openFile(name, in: parent, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
        let mark = StagingMark.read(in: directory.raw), mark.job == parsed.id,
        mark.isOfThisMachine, !mark.isOfDeadJob, isHeld(mark, in: directory.raw)
      else { continue }
      return mark.process.id
    }
    return nil
  }

  /// Whether the mark's lock is held; where there are no locks, its process counts.
  private static func isHeld(_ mark: StagingMark, in place: Int32) -> Bool {
    guard mark.isLocked else { return true }
    let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK
    guard let file = try? openFile(StagingMark.fileName, in: place, flags: flags) else {
      return false
    }
    return clinux_try_lock(file.raw) == -EWOULDBLOCK
  }
}
