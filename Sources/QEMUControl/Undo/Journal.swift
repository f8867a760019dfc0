internal import CLinux
internal import Glibc
internal import Synchronization
package import System

/// A file that names a job while something of it may be in a QEMU.
///
/// Its owner holds a lock on it, which the kernel lets go of when the owner dies, in whatever way:
/// locked is alive, unlocked is stale. It is removed when all is taken down.
package final class Journal: Sendable {
  /// What the journal of a job shows to others.
  package enum Sight: Sendable {
    /// Its owner lives.
    case live(JournalContents)
    /// Its owner is dead; whoever looks holds the lock now, and so may take down.
    case stale(Journal)
    case absent
  }

  /// Bytes of a journal that is read; ours have a few hundred.
  private static let bytesMax = 64 << 10
  private static let suffix = ".json"

  package let path: String
  private let file: OwnedDescriptor
  private let state: Mutex<JournalContents>

  private init(path: String, file: consuming OwnedDescriptor, contents: JournalContents) {
    self.path = path
    self.file = file
    state = Mutex(contents)
  }

  package var contents: JournalContents { state.withLock { $0 } }
  package var mark: JobMark { contents.mark }

  /// `STATE/journal`.
  package static func usualDirectory() -> String { StateDirectory.usual() + "/journal" }

  static func path(_ mark: JobMark, in directory: String) -> String {
    "\(directory)/\(mark.id)\(suffix)"
  }

  /// Makes the journal of a new job and locks it; the directory is made if it is not there.
  ///
  /// - Throws: `EEXIST` if there is one of that job.
  package static func create(
    _ contents: JournalContents, in directory: String = usualDirectory()
  ) throws(SystemCallError) -> Journal {
    let path = path(contents.mark, in: try StateDirectory.made(directory))
    // Locked before it has its name: nobody ever sees it unlocked.
    let hidden = "\(directory)/.\(contents.mark.id).\(getpid())"
    let file = try openFile(
      hidden, flags: O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
    do throws(SystemCallError) {
      try check(clinux_try_lock(file.raw), .flock, hidden)
      try write(contents, to: file.raw, path)
      try check(
        unsafe clinux_rename_no_replace(currentDirectory, hidden, currentDirectory, path), .rename,
        path)
    } catch {
      _ = unsafe clinux_unlinkat(currentDirectory, hidden, 0)
      throw error
    }
    return Journal(path: path, file: file, contents: contents)
  }

  /// Changes what the journal tells, before what it tells becomes true.
  package func update(_ change: (inout JournalContents) -> Void) throws(SystemCallError) {
    let new = state.withLock { contents in
      change(&contents)
      return contents
    }
    try Self.write(new, to: file.raw, path)
  }

  /// Removes the file: nothing of the job is left anywhere.
  package func remove() { _ = unsafe clinux_unlinkat(currentDirectory, path, 0) }

  /// Reads the journal of a job without touching its lock: who only wants to know which machine it
  /// is of must not make it look alive to others.
  ///
  /// - Returns: `nil` if there is none, or it cannot be read.
  package static func peek(
    _ mark: JobMark, in directory: String = usualDirectory()
  ) -> JournalContents? {
    let path = path(mark, in: directory)
    guard let file = try? openFile(path, flags: O_RDONLY | O_NOFOLLOW) else { return nil }
    return try? read(file.raw, mark)
  }

  /// Looks at the journal of a job.
  package static func find(
    _ mark: JobMark, in directory: String = usualDirectory()
  ) throws(SystemCallError) -> Sight {
    try look(at: path(mark, in: directory), mark)
  }

  /// All jobs that have a journal.
  package static func list(in directory: String = usualDirectory()) -> [JobMark] {
    guard StateDirectory.isTrusted(directory) else { return [] }
    let names = (try? listDirectory(directory)) ?? []
    return names.filter { $0.hasSuffix(suffix) }
      .compactMap { JobMark(id: $0.dropLast(suffix.count)) }
  }

  /// Looks at a journal by its path.
  static func look(at path: String, _ mark: JobMark) throws(SystemCallError) -> Sight {
    let file: OwnedDescriptor
    do throws(SystemCallError) {
      file = try openFile(path, flags: O_RDWR | O_NOFOLLOW)
    } catch {
      if error.code == ENOENT { return .absent }
      throw error
    }
    let isLocked = clinux_try_lock(file.raw)
    if isLocked == -EWOULDBLOCK { return .live(try read(file.raw, mark)) }
    try check(isLocked, .flock, path)
    // Whoever held the lock until now may have removed it.
    if try FileStatus(descriptor: file.raw, subject: path).linkCount == 0 { return .absent }
    let contents = try read(file.raw, mark)
    return .stale(Journal(path: path, file: file, contents: contents))
  }

  private static func read(
    _ file: Int32, _ mark: JobMark
  ) throws(SystemCallError) -> JournalContents {
    JournalContents(mark: mark, parsing: try readBytes(file, at: 0, count: bytesMax))
  }

  /// Writes in place: another file would lack the lock.
  private static func write(
    _ contents: JournalContents, to file: Int32, _ path: String
  ) throws(SystemCallError) {
    let bytes = contents.serialised
    let size = try FileStatus(descriptor: file, subject: path).size
    // One write for all: what was longer before is overwritten with spaces.
    let padding = max(0, min(Int(size), bytesMax) - bytes.count)
    let whole = bytes + [UInt8](repeating: UInt8(ascii: " "), count: padding)
    let count = unsafe whole.withUnsafeBytes { buffer in
      // Safe because: a journal is never empty.
      unsafe clinux_pwrite(file, buffer.baseAddress!, buffer.count, 0)
    }
    try check(count, .pwrite, path)
    if count < whole.count { throw SystemCallError(.pwrite, subject: path, code: ENOSPC) }
  }
}
