internal import Glibc

extension SandboxPolicy {
  /// For a plugin with shared libraries: it may also open files to read and map code from files.
  /// What it then finds is its libraries, read-only, and nothing else.
  ///
  /// - Parameters:
  ///   - libraries: Absolute directories beside the system's own, e.g. that of the Swift runtime.
  ///   - hasPrivateProc: For libdispatch and Swift concurrency, which read `/proc/<tid>/stat`.
  package static func dynamicPlugin(
    _ resources: PluginResources, grant: SandboxGrant, libraries: [String] = [],
    hasPrivateProc: Bool = false
  ) -> SandboxPolicy {
    var policy = SandboxPolicy(
      name: "dynamic",
      rules: startRules + threadRules + memoryRules + ioRules + libraryRules
        + libraryGrantRules(grant),
      limits: ResourceLimits(resources))
    policy.paths =
      systemLibraries + libraries.map { .path($0, [.read, .execute]) } + grantPaths(grant)
    policy.hasPrivateProc = hasPrivateProc
    policy.limits.addressSpaceBytes? += libraryAddressBytes
    return policy
  }

  /// Where the dynamic linker looks; a distribution has some of them.
  package static let systemLibraries: [PathRule] = VisiblePlace.libraries.map(\.rule)

  /// Libraries are mapped too, and their code reserves addresses.
  static let libraryAddressBytes: UInt64 = 1 << 30

  static let protection = UInt64(PROT_WRITE | PROT_EXEC)

  /// What the dynamic linker does, and programs with libraries beside.
  static let libraryRules: [SyscallRule] =
    [
      .allow(
        "mmap", when: [.argument(2, bits: UInt64(PROT_EXEC), equal: 0)],
        because: "memory, and the pool"),
      .allow(
        "mmap", when: [.argument(2, bits: protection, equal: UInt64(PROT_EXEC))],
        because: "libraries are mapped as code, never writable at once"),
      .answer("ioctl", errno: ENOTTY, because: "isatty(3): no terminal here"),
      .answer(
        "socket", when: [.argument(0, equals: 1)], errno: EACCES,
        because: "the name service cache and syslog(3) are tried through a unix socket"),
    ]
    + [SyscallRule].allow(
      "newfstatat", "statx", "stat", "lstat", "access", "faccessat", "faccessat2", "readlink",
      "readlinkat", "statfs", "getcwd", "getdents64",
      because: "the linker and interpreters look for their files")
    + [SyscallRule].allow(
      "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "timerfd_create",
      "timerfd_settime", "rt_sigsuspend", "rt_sigtimedwait", because: "event loops (libdispatch)")

  /// Paths from the current directory are the libraries': to read.
  static func libraryGrantRules(_ grant: SandboxGrant) -> [SyscallRule] {
    let reading: [SyscallRule] = [
      .allow(
        "openat", when: [notHeld(0), .argument(2, within: OpenFlags.reading)],
        because: "opens libraries to read"),
      .allow(
        "open", when: [.argument(1, within: OpenFlags.reading)],
        because: "opens libraries to read"),
    ]
    let granted = grant == .file ? [] : grantRules(grant)
    return reading
      + granted.filter { rule in
        // Here the current directory leads to the libraries instead of nowhere.
        !(rule.call == "openat" && rule.action != .allow) && rule.call != "getdents64"
      }
  }
}
