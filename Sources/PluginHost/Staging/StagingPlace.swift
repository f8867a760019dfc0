package import BackupProtocol
internal import CLinux
internal import Glibc
package import Sandbox
package import System

/// The private place beside a target where an archive grows until it is complete.
///
/// ```
/// .NAME.sluice-ID/   the caller's, closed to every other user, and held open
///   mark             whose it is; locked as long as its job lives
///   archive          what the plugin fills: a file or a directory, of which it gets a descriptor
///   receipt          what the host will put beside the archive
/// ```
/// It lies on the target's file system. What a dead job of this machine left in the directory is
/// removed by the next job there. Specified in protocol.md §14.
package final class StagingPlace {
  static let archiveName = "archive"
  static let receiptName = "receipt"

  /// The final path, as the user wrote it.
  package let target: String
  package let kind: Job.OutputKind
  let directory: TargetDirectory
  let room: StagingRoom
  /// The staging file or directory itself, open for reading: the host is never a writer of it.
  private(set) var archive: OwnedDescriptor
  let targetName: String
  /// Whether a file that has the final name makes room for the new one.
  let replaces: Bool
  let hasReceipt: Bool
  /// Whether something else than the host could write to the archive.
  private(set) var isLent = false
  /// Whether the archive could be given another owner; not so on FAT, or for a root that is none.
  private(set) var hasOwners = true
  /// Whether the archive has its final name.
  package private(set) var isPublished = false
  /// What the name gets behind it when the archive is published, as `.incomplete`: then it replaces
  /// nothing.
  package var suffix = ""
  /// Files of a directory that its owner may execute, as the host has made them.
  package var programs: Set<String> = []
  /// Which file has the receipt's final name, once it has it.
  var receipt: FileStatus?
  /// Told what keeps the place from being removed, by whoever ends it.
  package var leftBehind: (_ path: String, SystemCallError) -> Void = { _, _ in }
  private var isSettled = false

  /// Refuses a path whose last part cannot be the name of an archive, or of its receipt.
  ///
  /// - Throws: `PublishingError.badName`.
  package static func requireName(_ target: String, hasReceipt: Bool) throws(PublishingError) {
    let name = splitPath(target).name
    let longest = hasReceipt ? receiptTarget(name) : name
    if let complaint = StagingName.complaint(about: name) ?? StagingName.complaint(about: longest) {
      throw .badName(target, complaint)
    }
  }

  /// Refuses a path at which another job of this machine is at work, before anything is done for
  /// an archive that would find its name taken hours later.
  ///
  /// - Throws: `PublishingError.taken`, `.system` if its directory is not there.
  package static func requireUntaken(_ target: String) throws(PublishingError) {
    let directory: TargetDirectory
    do throws(SystemCallError) {
      directory = try TargetDirectory(splitPath(target).directory)
    } catch { throw .system(SystemCallError(error.call, subject: target, code: error.code)) }
    try requireUntaken(target, in: directory.raw, job: "")
  }

  /// Refuses a path whose directory is not there.
  package static func requireDirectory(of target: String) throws(PublishingError) {
    do throws(SystemCallError) { _ = try TargetDirectory(splitPath(target).directory) } catch {
      throw .system(error)
    }
  }

  private static func requireUntaken(
    _ target: String, in directory: Int32, job: String
  ) throws(PublishingError) {
    let name = splitPath(target).name
    if let process = LivingJobs.process(making: name, in: directory, besides: job) {
      throw .taken(target, byProcess: process)
    }
  }

  /// Makes an empty staging file or directory.
  ///
  /// - Parameters:
  ///   - target: Where the archive will appear; its directory exists, the name does not.
  ///   - id: The job's, unique: 32 hexadecimal digits.
  ///   - replaces: A file may have the name already; it stays until the new one is complete.
  ///   - hasReceipt: A receipt will be put beside the archive, as `NAME.sluice.json`.
  /// - Throws: `PublishingError`; nothing is left behind.
  package init(
    target: String, kind: Job.OutputKind, id: String, replaces: Bool = false,
    hasReceipt: Bool = false
  ) throws(PublishingError) {
    try Self.requireName(target, hasReceipt: hasReceipt)
    let (path, name) = splitPath(target)
    self.target = target
    self.kind = kind
    self.replaces = replaces
    self.hasReceipt = hasReceipt
    targetName = name
    do throws(SystemCallError) { directory = try TargetDirectory(path) } catch {
      throw .system(SystemCallError(error.call, subject: target, code: error.code))
    }
    let turn = directory.turn()
    StagingLeftovers.removeOrphans(in: directory.raw, holdsTurn: turn != nil)
    try Self.requireUntaken(target, in: directory.raw, job: id)
    do throws(SystemCallError) {
      try directory.refuseExisting(name, unlessFile: replaces)
      if hasReceipt { try directory.refuseExisting(Self.receiptTarget(name), unlessFile: false) }
      room = try StagingRoom(StagingName.make(name, id: id), job: id, in: directory.raw)
      archive = try Self.make(kind, in: room)
    } catch {
      guard error.code == EEXIST else {
        throw .system(SystemCallError(error.call, subject: target, code: error.code))
      }
      let isReceipt = hasReceipt && error.subject == Self.receiptTarget(name)
      throw .exists(isReceipt ? Self.receiptTarget(target) : target)
    }
  }

  deinit { if !isSettled { discard() } }

  /// Descriptor for the plugin, which is all that it sees of the place.
  package func descriptorForPlugin() throws(SystemCallError) -> OwnedDescriptor {
    let flags = kind == .directory ? O_RDONLY | O_DIRECTORY : O_RDWR
    let opened = try openFile(Self.archiveName, in: room.raw, flags: flags | O_NOFOLLOW)
    guard try isArchive(FileStatus(descriptor: opened.raw, subject: target)) else {
      throw SystemCallError(.open, subject: target, code: ESTALE)
    }
    return opened
  }

  /// Absolute path of the staging file, for a program that opens it by name.
  package func path() throws(SystemCallError) -> String {
    let path = try realPath("/proc/self/fd/\(directory.raw)")
    return (path == "/" ? "" : path) + "/\(room.name)/\(Self.archiveName)"
  }

  /// The staging directory or file, for the host's own reading and writing.
  package var descriptor: Int32 { archive.raw }

  /// Lets the plugin write here: under root it runs as a user of its own.
  ///
  /// - Parameter identity: Whose rights it should have.
  /// - Returns: Whose it has to have. Where a file system knows no owners, lets root change none,
  ///   or lets no other user in, that is the owner of what is made there.
  package func giveToPlugin(
    _ identity: SandboxIdentity
  ) throws(SystemCallError) -> SandboxIdentity {
    isLent = true
    guard geteuid() == 0, case .mapped(let user, let group) = identity else { return identity }
    var isChanged = false
    if room.means.admitsOtherUsers {
      let result = clinux_fchown(archive.raw, user, group)
      isChanged = !Self.meansNoOwners(result)
      if isChanged { try check(result, .fchown, target) }
    }
    let owner = try FileStatus(descriptor: archive.raw, subject: target)
    // NTFS says that it has given a file away, and keeps its owner.
    if isChanged && owner.owner == user { return identity }
    hasOwners = false
    return owner.owner == geteuid() ? .callers : .ofOwner(owner)
  }

  /// Why a plugin must not write here in a sandbox of these layers; `nil` if it may.
  ///
  /// That all of it has ended is seen by leases, or known by the end of its pid namespace.
  package func refusal(_ layers: SandboxLayers) -> String? {
    guard !room.means.hasLeases && !layers.contains(.pidNamespace) else { return nil }
    return "the file system of \(target) has no leases and this kernel no PID namespaces for "
      + "plugins: no way to make sure that the plugin has ended before the archive is published"
  }

  /// Whether room can be taken before there is data.
  package var hasReservation: Bool { room.means.hasReservation }

  /// Whether another user than root may change names in the target's directory.
  package var isShared: Bool { geteuid() == 0 && directory.isSharedWithOthers }

  /// Whether an answer says that owners and modes cannot be changed here, by anyone or by us.
  static func meansNoOwners(_ result: Int32) -> Bool {
    [-EPERM, -EINVAL, -ENOSYS, -EOPNOTSUPP].contains(result)
  }

  /// Bytes stored so far, to see whether a silent plugin still works.
  package func storedBytes() -> Int64 {
    guard kind == .directory else {
      return (try? FileStatus(descriptor: archive.raw, subject: target).storedBytes) ?? 0
    }
    let names = (try? listNames(in: archive.raw, atMost: 4096)) ?? []
    return names.reduce(0) { sum, name in
      sum + ((try? FileStatus(name, in: archive.raw).storedBytes) ?? 0)
    }
  }

  /// Removes the staging place; nothing was published.
  package func discard() {
    // FUSE hides what is removed while it is open, and keeps its directory.
    try? closeArchive()
    removeRoom()
  }

  /// Notes that the archive bears its final name; what is left of the place is of no value.
  func settle() {
    isPublished = true
    removeRoom()
  }

  private func removeRoom() {
    isSettled = true
    do throws(SystemCallError) { try room.remove(from: directory.raw) } catch {
      let path = try? realPath("/proc/self/fd/\(directory.raw)")
      leftBehind("\(path ?? splitPath(target).directory)/\(room.name)", error)
    }
  }

  /// Whether a file is the archive that was made here, and no other under its name.
  func isArchive(_ status: FileStatus) throws(SystemCallError) -> Bool {
    try FileStatus(descriptor: archive.raw, subject: target).isSameFile(as: status)
  }

  /// Keeps the archive's identity and nothing open: FUSE hides what is removed while it is open.
  func closeArchive() throws(SystemCallError) {
    let pathOnly: Int32 = 0o10000000
    let file = try openFile(Self.archiveName, in: room.raw, flags: pathOnly | O_NOFOLLOW)
    guard try isArchive(FileStatus(descriptor: file.raw, subject: target)) else {
      throw SystemCallError(.rename, subject: target, code: ESTALE)
    }
    archive = file
  }

  static func receiptTarget(_ name: String) -> String { name + ".sluice.json" }

  private static func make(
    _ kind: Job.OutputKind, in room: StagingRoom
  ) throws(SystemCallError) -> OwnedDescriptor {
    guard kind == .directory else {
      let flags = O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW
      return try openFile(archiveName, in: room.raw, flags: flags, mode: 0o600)
    }
    try check(unsafe clinux_mkdirat(room.raw, archiveName, 0o700), .mkdir, archiveName)
    return try openFile(archiveName, in: room.raw, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  }
}
