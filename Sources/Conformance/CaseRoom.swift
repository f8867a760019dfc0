internal import CLinux
internal import Glibc
internal import PluginHost
internal import Sandbox
internal import System

/// A private directory for what a case makes; gone with its owner.
final class CaseRoom: Sendable {
  let path: String
  private let descriptor: OwnedDescriptor
  /// What it lies in, if that is a file system of its own.
  private let outer: SmallFileSystem?

  convenience init(in parent: String) throws(SystemCallError) { try self.init(in: parent, nil) }

  /// A room on a file system of 1 MiB.
  ///
  /// - Throws: ``NotApplicable`` for all but root, who alone can mount one.
  static func small(in parent: String) throws -> CaseRoom {
    let outer = try SmallFileSystem(try CaseRoom(in: parent))
    return try CaseRoom(in: outer.room.path, outer)
  }

  private init(in parent: String, _ outer: SmallFileSystem?) throws(SystemCallError) {
    self.outer = outer
    var template = Array("\(parent)/sluice-check-XXXXXX".utf8CString)
    let isMade = unsafe template.withUnsafeMutableBufferPointer { buffer in
      unsafe mkdtemp(buffer.baseAddress!) != nil
    }
    guard isMade else { throw SystemCallError(.mkdir, subject: parent, code: errno) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    descriptor = try openFile(path, flags: O_RDONLY | O_DIRECTORY)
  }

  deinit {
    var removal = TreeRemoval(root: descriptor.raw)
    try? removal.run()
    _ = unsafe clinux_unlinkat(currentDirectory, path, 1)
  }

  /// A new directory in it, whose owner the plugin is.
  func makeDirectory(
    _ name: String, for identity: SandboxIdentity, mode: UInt32 = 0o700
  ) throws(SystemCallError) -> OwnedDescriptor {
    try check(unsafe clinux_mkdirat(descriptor.raw, name, 0o700), .mkdir, name)
    let opened = try openFile(name, in: descriptor.raw, flags: O_RDONLY | O_DIRECTORY)
    try give(opened.raw, to: identity)
    try check(clinux_fchmod(opened.raw, mode), .fchmod, name)
    return opened
  }

  /// A new file in it, whose owner the plugin is.
  func makeFile(
    _ name: String, for identity: SandboxIdentity
  ) throws(SystemCallError) -> OwnedDescriptor {
    let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW
    let opened = try openFile(name, in: descriptor.raw, flags: flags, mode: 0o600)
    try give(opened.raw, to: identity)
    return opened
  }

  /// Something that is there.
  func open(_ name: String, _ flags: Int32) throws(SystemCallError) -> OwnedDescriptor {
    try openFile(name, in: descriptor.raw, flags: flags | O_NOFOLLOW)
  }

  /// A file without a name.
  func makeScratch() throws(SystemCallError) -> OwnedDescriptor { try openNamelessFile(path) }

  private func give(_ file: Int32, to identity: SandboxIdentity) throws(SystemCallError) {
    guard geteuid() == 0, case .mapped(let user, let group) = identity else { return }
    try check(clinux_fchown(file, user, group), .fchown, "a file of the plugin")
  }
}

/// A tmpfs of 1 MiB over a room; gone with its owner, or with the thread that mounted it.
private final class SmallFileSystem: Sendable {
  let room: CaseRoom

  init(_ room: CaseRoom) throws(NotApplicable) {
    let result = unsafe clinux_mount_tmpfs(room.path, 1 << 20)
    guard result >= 0 else {
      throw NotApplicable("mounting a small file system needs root: \(errnoName(-result))")
    }
    self.room = room
  }

  deinit { unsafe _ = clinux_unmount(room.path) }
}
