internal import Glibc

// The parts of the policy of plugins that start programs. Paths are open to them as far as mounts
// and Landlock let them be, so the rules here are about flags and modes only.

private let fileReason = "scripts name files of the archive by their paths"
private let modesReason = "modes, owners, times and links of an archive's files are the host's"
private let copyReason = "programs then copy by read(2) and write(2)"
private let lockReason = "an archive has one writer"

extension SandboxPolicy {
  /// clone(2) as fork(3), vfork(3) and posix_spawn(3) call it, by their flags.
  private static let processFlags: [UInt64] = [
    UInt64(SIGCHLD), 0x120_0000 | UInt64(SIGCHLD), 0x4100 | UInt64(SIGCHLD),
  ]

  static let processRules: [SyscallRule] =
    processFlags.map {
      .allow("clone", when: [.argument(0, equals: $0)], because: "a process of a script")
    }
    + [SyscallRule].allow("fork", "vfork", because: "a process of a script")
    + [SyscallRule].allow(
      "execve", because: "starts a program; which one is a matter of what can be executed")
    + [SyscallRule].allow("wait4", "waitid", because: "a shell waits for what it has started")
    + [SyscallRule].allow(
      "kill", because: "a shell ends what it has started; its PID namespace holds nothing else")
    + [SyscallRule].allow("pipe", "pipe2", "dup2", "dup3", because: "pipelines and redirections")
    + [SyscallRule].allow(
      "getpgrp", "getpgid", "getsid", "setpgid", "setsid", because: "a shell groups its processes")
    + [SyscallRule].allow(
      "umask", "times", "getgroups", "getpriority", because: "a process asks about itself")
    + [SyscallRule].allow("chdir", "fchdir", because: "a script moves about in what it sees")
    + [SyscallRule].allow(
      "select", "pselect6", "alarm", "setitimer", "getitimer", "rt_sigpending",
      because: "waits, with an end")
    + [
      .allow(
        "fcntl", when: [.argument(1, equals: UInt64(F_DUPFD))], because: "redirections of a shell")
    ]

  /// Opening. What is shown is mounted read-only, but for the archive.
  static let commandFileRules: [SyscallRule] = [("openat", 2), ("open", 1)].flatMap {
    (call: String, flags: UInt32) -> [SyscallRule] in
    let known = OpenFlags.writing | OpenFlags.noTerminal | OpenFlags.pathOnly
    return [
      .allow(call, when: [.argument(flags, within: known)], because: fileReason),
      .allow(
        call,
        when: [
          .argument(flags, bits: ~known, equal: OpenFlags.create),
          .argument(flags + 1, within: 0o777),
        ], because: fileReason),
      .answer(
        call,
        when: [.argument(flags, bits: OpenFlags.temporary, equal: OpenFlags.temporary)],
        errno: EOPNOTSUPP, because: "there are no temporary files"),
    ]
  }

  /// What changes names, where the archive is a directory that is written.
  static func commandGrantRules(_ grant: SandboxGrant) -> [SyscallRule] {
    guard grant == .writableDirectory else {
      return [SyscallRule].answer(
        "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2",
        errno: EROFS, because: "there is nothing to write to")
    }
    return [
      .allow("mkdir", when: [.argument(1, within: 0o777)], because: fileReason),
      .allow("mkdirat", when: [.argument(2, within: 0o777)], because: fileReason),
      .allow("renameat2", when: [.argument(4, within: 1)], because: fileReason),
    ]
      + [SyscallRule].allow(
        "unlink", "unlinkat", "rmdir", "rename", "renameat", because: fileReason)
  }

  /// What programs try that were not written for a sandbox, and can do without.
  static let commandSoftRules: [SyscallRule] =
    [SyscallRule].answer(
      "chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utime", "utimes",
      "futimesat", "utimensat", "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat",
      "truncate", errno: EPERM, because: modesReason)
    + [SyscallRule].answer(
      "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr", "setxattr",
      "lsetxattr", "fsetxattr", errno: EOPNOTSUPP, because: modesReason)
    + [SyscallRule].answer(
      "copy_file_range", "sendfile", "splice", "tee", "vmsplice", "preadv2", "pwritev2", "openat2",
      "close_range", "pidfd_open", errno: ENOSYS, because: copyReason)
    + [SyscallRule].answer("flock", errno: ENOLCK, because: lockReason)
    + [UInt64(F_GETLK), UInt64(F_SETLK), UInt64(F_SETLKW), 36, 37, 38].map {
      .answer("fcntl", when: [.argument(1, equals: $0)], errno: ENOLCK, because: lockReason)
    }
    + [OpenFlags.nonBlocking, OpenFlags.append, 0o20000].map {
      .answer(
        "fcntl",
        when: [.argument(1, equals: UInt64(F_SETFL)), .argument(2, bits: $0, equal: $0)],
        errno: EPERM, because: "it would change descriptors of others")
    }
    + [1031, 1032].map {
      .answer(
        "fcntl", when: [.argument(1, equals: $0)], errno: EPERM,
        because: "the capacity of a pipe is the host's")
    }
    + [
      .answer(
        "prlimit64", when: [.argument(2, differsFrom: 0)], errno: EPERM, because: "limits stay"),
      .answer(
        "mmap", when: [.argument(2, bits: protection, equal: protection)], errno: EACCES,
        because: "memory that is written does not become code"),
      .answer("memfd_create", errno: EPERM, because: "a file in memory could be executed"),
      .answer("getpeername", errno: ENOTSOCK, because: "bash looks whether it serves a network"),
    ]
    + [SyscallRule].answer(
      "setrlimit", "sched_setscheduler", "sched_setaffinity", "ioprio_set", "mlock", "mlockall",
      errno: EPERM, because: "limits stay")
}
