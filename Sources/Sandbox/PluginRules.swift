internal import Glibc

// The parts of the plugins' policies; the first four suit other programs too. Every descriptor of a
// plugin is below RLIMIT_NOFILE, so "below 64" means: relative to a directory it holds, never to
// the current one (AT_FDCWD).

/// The descriptor in argument `index` is one the process holds.
func held(_ index: UInt32) -> ArgumentTest { .argument(index, below: 64) }
/// The descriptor in argument `index` is none it could hold, e.g. `AT_FDCWD`.
func notHeld(_ index: UInt32) -> ArgumentTest { .argument(index, atLeast: 64) }

private let readOnlyLimit = ArgumentTest.argument(2, equals: 0)
private let notExecutable = ArgumentTest.argument(2, bits: UInt64(PROT_EXEC), equal: 0)

extension SandboxPolicy {
  /// From exec to main.
  package static let startRules: [SyscallRule] =
    [SyscallRule].allow(
      "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "getrandom",
      because: "the C library starts")
    + [.allow("prlimit64", when: [readOnlyLimit], because: "the stack's size is looked up")]
    + [SyscallRule].allow(
      "uname", "sysinfo", "sched_getaffinity", because: "processors and memory are counted")
    + [SyscallRule].allow(
      "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getrusage",
      because: "the process asks about itself")

  /// Threads: clone(2) exactly as pthread_create(3) of glibc and musl calls it.
  package static let threadRules: [SyscallRule] =
    [
      .allow(
        "clone", when: [.argument(0, bits: ~UInt64(0x40_0000), equal: 0x3d_0f00)],
        because: "a thread; a process would need other flags"),
      .answer(
        "clone3", errno: ENOSYS, because: "its flags are in memory; clone(2) takes its place"),
      .allow("prctl", when: [.argument(0, equals: 15)], because: "PR_SET_NAME: a thread's name"),
      .answer(
        "prctl", when: [.argument(0, equals: 0x5356_4d41)], errno: EINVAL,
        because: "PR_SET_VMA: the C library names its memory where it can"),
      .answer("setpriority", errno: 0, because: "libdispatch logs to a socket when it fails"),
      .answer("tgkill", errno: EPERM, because: "abort(3) ends by an illegal instruction then"),
    ]
    + [SyscallRule].allow(
      "futex", "sched_yield", "exit", because: "threads wait for each other and end")
    + [SyscallRule].allow(
      "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
      because: "a program handles its own crashes")
    + [SyscallRule].allow(
      "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
      "getcpu", because: "where the vDSO does not answer; sleeping")
    + [SyscallRule].allow(
      "restart_syscall", because: "a wait goes on after the process was stopped")

  /// Memory, whatever is mapped.
  package static let memoryRules: [SyscallRule] =
    [SyscallRule].allow("munmap", "mremap", because: "memory is given back and grown")
    + harmlessAdvice.map {
      .allow("madvise", when: [.argument(2, equals: $0)], because: "memory is advised on")
    }
    + refusedAdvice.map {
      .answer(
        "madvise", when: [.argument(2, equals: $0)], errno: EPERM,
        because: "pages that KSM merges tell by their timing what guests hold")
    }
    + [.allow("mprotect", when: [notExecutable], because: "stack guards and malloc arenas")]

  /// NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED, FREE, DONTFORK, DOFORK, HUGEPAGE, NOHUGEPAGE,
  /// DONTDUMP, DODUMP, WIPEONFORK, KEEPONFORK, COLD, PAGEOUT, POPULATE_READ, POPULATE_WRITE.
  private static let harmlessAdvice: [UInt64] =
    [0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]
  /// MERGEABLE, UNMERGEABLE.
  private static let refusedAdvice: [UInt64] = [12, 13]

  /// For static programs: all of their code is there from the start.
  static let noNewCodeRules: [SyscallRule] = [
    .allow("mmap", when: [notExecutable], because: "memory, and the pool; never as code")
  ]

  /// Descriptors it has.
  package static let ioRules: [SyscallRule] =
    [SyscallRule].allow(
      "read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "pwritev", "lseek",
      because: "frames, logs and the archive")
    + [SyscallRule].allow(
      "fsync", "fdatasync", "sync_file_range", "ftruncate", "fallocate", "fadvise64",
      because: "an archive is preallocated, punched, cut and made durable")
    + [SyscallRule].allow(
      "fstat", "fstatfs", because: "what kind of file, how long, and how much room is left")
    + [SyscallRule].allow("close", "dup", because: "descriptors are put in order")
    + [SyscallRule].allow(
      "poll", "ppoll", "eventfd2", because: "waits for frames and for its own threads")
    + [UInt64(F_GETFD), UInt64(F_SETFD), UInt64(F_GETFL), 1030, 1034].map {
      .allow(
        "fcntl", when: [.argument(1, equals: $0)],
        because:
          "flags, duplicates (F_DUPFD_CLOEXEC, 1030), the seals of the pool (F_GET_SEALS, 1034)")
    }
    + [
      // O_NONBLOCK, O_ASYNC and O_APPEND would change a shared description.
      .allow(
        "fcntl",
        when: [
          .argument(1, equals: UInt64(F_SETFL)),
          .argument(2, within: OpenFlags.direct | OpenFlags.largeFile),
        ],
        because: "O_DIRECT goes off for an unaligned tail")
    ]

  /// Calls that well-behaved programs try and can do without.
  static let softRules: [SyscallRule] =
    [
      .answer("ioctl", errno: ENOTTY, because: "isatty(3): no terminal here"),
      .allow("newfstatat", when: [held(0)], because: "fstat(3) of glibc; names in its directory"),
      .answer("newfstatat", when: [notHeld(0)], errno: EACCES, because: softReason),
      .allow("statx", when: [held(0)], because: "the same, with more fields"),
      .answer("statx", when: [notHeld(0)], errno: EACCES, because: softReason),
    ]
    + [SyscallRule].answer(
      "open", "access", "faccessat", "faccessat2", "stat", "lstat", "readlink", "readlinkat",
      "getcwd", "chdir", "statfs", errno: EACCES, because: softReason)
}

private let softReason = "start-up code looks for files that it can do without"
