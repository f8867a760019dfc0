package import BackupProtocol
internal import CLinux
internal import Glibc
internal import Sandbox
package import System

/// The private place beside a target where an archive grows until it is whole.
///
/// It is called `.NAME.sluice-ID`, lies on the target's filesystem and is locked as long as its
/// job lives: one that is not locked was left by a job that died, and is removed by the next.
/// Specified in protocol.md §14.
package final class StagingPlace {
  /// The final path, as the user wrote it.
  package let target: String
  package let kind: Job.OutputKind
  let parent: OwnedDescriptor
  /// The staging file or directory itself; holds the lock.
  let place: OwnedDescriptor
  let targetName: String
  let stagingName: String
  /// Whether a file that has the final name makes room for the new one.
  let replaces: Bool
  private var isSettled = false

  /// Makes an empty staging file or directory.
  ///
  /// - Parameters:
  ///   - target: Where the archive will appear; its directory exists, the name does not.
  ///   - id: The job's, unique.
  ///   - replaces: A file may have the name already; it stays until the new one is whole.
  /// - Throws: `PublishingError`; nothing is left behind.
  package init(
    target: String, kind: Job.OutputKind, id: String, replaces: Bool = false
  ) throws(PublishingError) {
    let (directory, name) = splitPath(target)
    guard !name.isEmpty, name != ".", name != "..", name.utf8.count < 200 else {
      throw .badName(target)
    }
    self.target = target
    self.kind = kind
    self.replaces = replaces
    targetName = name
    stagingName = ".\(name).sluice-\(id)"
    do throws(SystemCallError) {
      parent = try openFile(directory, flags: O_RDONLY | O_DIRECTORY)
      let turn = try Self.waitForTurn(directory)
      try Self.refuseExisting(name, in: parent.raw, unlessFile: replaces)
      Self.removeStale(name, in: parent.raw)
      place = try Self.create(stagingName, kind, in: parent.raw)
      try check(clinux_try_lock(place.raw), .flock, stagingName)
      try turn.close()
    } catch {
      if error.code == EEXIST { throw .exists(target) }
      if error.code == EWOULDBLOCK { throw .inUse(target) }
      throw .system(SystemCallError(error.call, subject: target, code: error.code))
    }
  }

  deinit { if !isSettled { try? discard() } }

  /// Descriptor for the plugin: a second opening, so that it does not share our lock.
  package func descriptorForPlugin() throws(SystemCallError) -> OwnedDescriptor {
    kind == .directory
      ? try openFile(stagingName, in: parent.raw, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      : try openFile(stagingName, in: parent.raw, flags: O_RDWR | O_NOFOLLOW)
  }

  /// Absolute path of the staging file, for a program that opens it by name.
  package func path() throws(SystemCallError) -> String {
    let directory = try realPath(splitPath(target).directory)
    return (directory == "/" ? "" : directory) + "/" + stagingName
  }

  /// The staging directory or file, for the host's own reading and writing.
  package var descriptor: Int32 { place.raw }

  /// Lets the plugin write here: under root it runs as a user of its own.
  package func giveToPlugin() throws(SystemCallError) {
    guard geteuid() == 0, case .mapped(let user, let group) = SandboxIdentity.plugin else { return }
    try check(clinux_fchown(place.raw, user, group), .fchown, stagingName)
  }

  /// Bytes stored so far, to see whether a silent plugin still works.
  package func storedBytes() -> Int64 {
    guard kind == .directory else {
      return (try? FileStatus(descriptor: place.raw, subject: stagingName).storedBytes) ?? 0
    }
    let names = (try? listNames(in: place.raw, atMost: 4096)) ?? []
    return names.reduce(0) { sum, name in
      sum + ((try? FileStatus(name, in: place.raw).storedBytes) ?? 0)
    }
  }

  /// Removes the staging place; nothing was published.
  package func discard() throws(PublishingError) {
    isSettled = true
    do throws(SystemCallError) { try Self.remove(stagingName, kind, in: parent.raw) } catch {
      throw .system(error)
    }
  }

  /// Notes that the place now bears its final name.
  func settled() { isSettled = true }

  private static func waitForTurn(_ directory: String) throws(SystemCallError) -> OwnedDescriptor {
    let turn = try openFile(directory, flags: O_RDONLY | O_DIRECTORY)
    // Two jobs may start at once: the lock on the directory is held for milliseconds.
    for _ in 0..<100 where clinux_try_lock(turn.raw) < 0 { usleep(50_000) }
    return turn
  }

  private static func refuseExisting(
    _ name: String, in parent: Int32, unlessFile replaces: Bool
  ) throws(SystemCallError) {
    do throws(SystemCallError) {
      let status = try FileStatus(path: name, in: parent)
      if replaces && status.kind == .regular { return }
    } catch {
      if error.code == ENOENT { return }
      throw error
    }
    throw SystemCallError(.rename, subject: name, code: EEXIST)
  }

  private static func create(
    _ name: String, _ kind: Job.OutputKind, in parent: Int32
  ) throws(SystemCallError) -> OwnedDescriptor {
    guard kind == .directory else {
      return try openFile(
        name, in: parent, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
    }
    try check(unsafe clinux_mkdirat(parent, name, 0o700), .mkdir, name)
    return try openFile(name, in: parent, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  }

  /// Removes places of the same target that nobody holds any more.
  private static func removeStale(_ name: String, in parent: Int32) {
    for stale in (try? listDirectory(".", in: parent)) ?? []
    where stale.hasPrefix(".\(name).sluice-") {
      guard let status = try? FileStatus(path: stale, in: parent),
        let held = try? openFile(stale, in: parent, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
        clinux_try_lock(held.raw) >= 0
      else { continue }
      try? remove(stale, status.kind == .directory ? .directory : .file, in: parent)
    }
  }

  private static func remove(
    _ name: String, _ kind: Job.OutputKind, in parent: Int32
  ) throws(SystemCallError) {
    if kind == .directory {
      let opened = try openFile(name, in: parent, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      var removal = TreeRemoval(root: opened.raw)
      try removal.run()
    }
    try check(unsafe clinux_unlinkat(parent, name, kind == .directory ? 1 : 0), .unlink, name)
  }
}
