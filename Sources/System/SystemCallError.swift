internal import CLinux
internal import Glibc

/// A kernel or C library call that this package makes; the raw value is its name in the manual.
package enum SystemCall: String, Sendable {
  case memfdCreate = "memfd_create"
  case seal = "fcntl(F_ADD_SEALS)"
  case map = "mmap"
  case open, close, read, write, pread, pwrite, pipe, poll, fsync, fstat, fallocate, ftruncate
  case lseek, flock, mkdir, unlink, link, fchown, fchmod, socket, connect, bind, send, receive
  case lease = "fcntl(F_SETLEASE)"
  case rename = "renameat2"
  case readDirectory = "readdir"
  case duplicate = "fcntl(F_DUPFD)"
  case setFlags = "fcntl(F_SETFL)"
  case eventDescriptor = "eventfd"
  case spawn = "posix_spawn"
  case pidfdOpen = "pidfd_open"
  case wait = "waitpid"
  case ioctl
  case thread = "pthread_create"
  case signals = "sigaction"
  case landlock = "landlock_create_ruleset"
}

extension SystemCall {
  /// What the call does, in a person's words: "open" for "cannot open disk.raw".
  fileprivate var verb: String {
    switch self {
    case .open, .close, .read, .write, .link, .connect, .bind, .send, .receive: rawValue
    case .memfdCreate, .pipe, .mkdir, .socket, .eventDescriptor: "create"
    case .seal: "seal"
    case .map: "map"
    case .pread, .readDirectory: "read"
    case .pwrite: "write"
    case .poll, .wait: "wait for"
    case .fsync: "sync"
    case .fstat: "examine"
    case .fallocate: "allocate space for"
    case .ftruncate: "resize"
    case .lseek: "seek in"
    case .flock: "lock"
    case .unlink: "remove"
    case .fchown: "change the owner of"
    case .fchmod: "change the mode of"
    case .lease: "take a lease on"
    case .rename: "rename"
    case .duplicate: "duplicate"
    case .setFlags: "set the flags of"
    case .spawn, .thread: "start"
    case .pidfdOpen: "watch"
    case .ioctl: "control"
    case .signals: "handle"
    case .landlock: "query"
    }
  }
}

/// A system call failed: which, on what, and the kernel's answer.
package struct SystemCallError: Error, Equatable, Sendable, CustomStringConvertible {
  package let call: SystemCall
  /// What the call was about: a path, or a few words such as "the pool".
  package let subject: String
  /// The kernel's errno, positive.
  package let code: Int32

  package init(_ call: SystemCall, subject: String, code: Int32) {
    self.call = call
    self.subject = subject
    self.code = code
  }

  /// For people: `cannot open disk.raw: No such file or directory (ENOENT)`.
  package var description: String { "cannot \(call.verb) \(subject): \(errnoText(code))" }
}

/// Meaning and name of an errno value: `No space left on device (ENOSPC)`.
package func errnoText(_ code: Int32) -> String {
  "\(unsafe String(cString: strerror(code))) (\(errnoName(code)))"
}

/// The name of an errno value, as the wire carries it: `ENOSPC`.
package func errnoName(_ code: Int32) -> String {
  unsafe clinux_errno_name(code).map { unsafe String(cString: $0) } ?? "errno \(code)"
}

/// Turns the kernel's convention (a value, or -errno) into a value or a typed error.
///
/// - Returns: `result` unchanged when it is not negative.
/// - Throws: `SystemCallError` with the errno otherwise.
@discardableResult
package func check<Result: SignedInteger & FixedWidthInteger>(
  _ result: Result, _ call: SystemCall, _ subject: @autoclosure () -> String
) throws(SystemCallError) -> Result {
  guard result >= 0 else {
    throw SystemCallError(call, subject: subject(), code: Int32(-result))
  }
  return result
}
