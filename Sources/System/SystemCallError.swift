internal import CLinux
internal import Glibc

/// A call to the kernel that this package makes; its raw value is the name people know.
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

  package var description: String { "\(call.rawValue) \(subject): \(errnoText(code))" }
}

/// Name and meaning of an errno value: `ENOSPC (No space left on device)`.
package func errnoText(_ code: Int32) -> String {
  "\(errnoName(code)) (\(unsafe String(cString: strerror(code))))"
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
