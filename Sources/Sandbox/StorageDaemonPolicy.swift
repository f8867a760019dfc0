internal import Glibc

extension SandboxPolicy {
  /// For QEMU's programs that read disk images (`qemu-storage-daemon`, `qemu-img info`): no
  /// network, no process, and of the file system QEMU's libraries and the images' files, to read.
  ///
  /// The parser of a hostile disk runs here. What it may become, should it be taken over: a reader
  /// of the files of its own job. The list follows what QEMU 7.2 was seen to call.
  ///
  /// - Parameters:
  ///   - files: Of the images, as they are open, and what may be done with them; 200 at most.
  ///   - imageCount: How many disks are served at once.
  package static func storageDaemon(files: [PathRule], imageCount: Int) -> SandboxPolicy {
    var limits = ResourceLimits(
      addressSpaceBytes: nil, dataBytes: (1 << 30) + UInt64(imageCount) * (64 << 20),
      fileBytes: 4 << 20, processes: nil)
    limits.openFiles = UInt64(min(1000, 64 + files.count + 12 * imageCount))
    var policy = SandboxPolicy(
      name: "storage daemon",
      rules: startRules + threadRules + memoryRules + daemonCodeRules + daemonFileRules
        + daemonSocketRules + daemonDeviceRules + daemonSoftRules,
      limits: limits)
    policy.paths = systemLibraries + daemonDevices + files
    // Images may belong to anybody: the caller's own rights, and of root's only that of reading.
    policy.identity = .keep
    policy.keptCapabilities = readAnyFile
    if geteuid() == 0 { policy.namespaces.remove(.userNamespace) }
    return policy
  }

  /// For the one that writes a qcow2 image: as above, and this file can be written.
  ///
  /// - Parameters:
  ///   - file: The very file, whatever its name leads to by then; it belongs to the caller.
  ///   - name: The absolute path by which QEMU opens it.
  package static func storageDaemon(writing file: Int32, named name: String) -> SandboxPolicy {
    var policy = storageDaemon(
      files: [.file(file, named: name, [.read, .write])], imageCount: 1)
    policy.name = "storage daemon, writing"
    policy.rules += daemonWritingRules
    policy.limits.fileBytes = nil
    return policy
  }

  /// For the one that reads spools: files without a name, which it inherits.
  ///
  /// - Parameter descriptors: Their numbers in the process.
  package static func storageDaemon(spools descriptors: [Int32]) -> SandboxPolicy {
    var policy = storageDaemon(files: [], imageCount: descriptors.count)
    policy.name = "storage daemon, spools"
    policy.hasPrivateProc = true
    policy.paths += descriptors.map { .inheritedFile($0, .read) }
    return policy
  }

  private static let daemonWritingRules: [SyscallRule] =
    [SyscallRule].allow(
      "pwrite64", "pwritev", "pwritev2", "ftruncate", "fallocate", because: "the image is written")
    + [SyscallRule].allow("fdatasync", "fsync", because: "and made durable")

  private static let daemonDevices: [PathRule] = [
    .path("/dev/null", [.read, .write, .device], isOptional: true),
    .path("/dev/urandom", [.read, .device], isOptional: true),
  ]

  private static let daemonCodeRules: [SyscallRule] = [
    .allow(
      "mmap", when: [.argument(2, bits: UInt64(PROT_EXEC), equal: 0)],
      because: "memory, coroutine stacks, the pool and the rings"),
    .allow(
      "mmap",
      when: [.argument(2, bits: UInt64(PROT_WRITE | PROT_EXEC), equal: UInt64(PROT_EXEC))],
      because: "libraries are mapped as code, never writable at once"),
  ]

  /// O_RDWR for /dev/null, on which QEMU tries whether locks belong to open files; nothing else
  /// that is visible can be written.
  private static let daemonOpening = OpenFlags.reading | UInt64(O_RDWR)

  private static let daemonFileRules: [SyscallRule] =
    [
      .allow(
        "openat", when: [.argument(2, within: daemonOpening)],
        because: "opens libraries and images; nothing can be made or truncated"),
      .allow(
        "open", when: [.argument(1, within: daemonOpening)],
        because: "the same, of older libraries"),
    ]
    + [SyscallRule].allow(
      "newfstatat", "fstat", "stat", "lstat", "statx", "access", "faccessat", "faccessat2",
      "readlink", "readlinkat", "getcwd", "getdents64", "fstatfs", "statfs",
      because: "the linker and QEMU look for and at their files")
    + [SyscallRule].allow(
      "read", "readv", "pread64", "preadv", "preadv2", "lseek", "fadvise64",
      because: "images are read; holes are found by SEEK_DATA and SEEK_HOLE")
    + [SyscallRule].allow("write", "writev", because: "eventfds, and words on standard error")
    + [SyscallRule].allow("close", "dup", because: "descriptors are put in order")
    + [UInt64(F_GETFD), UInt64(F_SETFD), UInt64(F_GETFL), 1030].map {
      .allow(
        "fcntl", when: [.argument(1, equals: $0)],
        because: "reads flags, close-on-exec, duplicates (F_DUPFD_CLOEXEC is 1030)")
    }
    + [UInt64(F_GETLK), UInt64(F_SETLK), 36, 37].map {
      .allow(
        "fcntl", when: [.argument(1, equals: $0)],
        because: "locks images against writers (F_OFD_GETLK is 36, F_OFD_SETLK 37)")
    }
    + [
      .allow(
        "fcntl",
        when: [
          .argument(1, equals: UInt64(F_SETFL)),
          .argument(2, within: UInt64(O_RDWR) | OpenFlags.nonBlocking | OpenFlags.largeFile),
        ], because: "sockets and eventfds are made non-blocking")
    ]

  private static let daemonSocketRules: [SyscallRule] =
    [SyscallRule].allow(
      "listen", "accept4", "getsockname", "getpeername", "getsockopt", "shutdown",
      because: "the host's listening sockets, which it inherits; it can make none itself")
    + [SyscallRule].allow(
      "recvmsg", "sendmsg", "recvfrom", "sendto",
      because: "NBD and vhost-user; the pool comes as a descriptor")
    + [SyscallRule].allow(
      "poll", "ppoll", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2",
      "signalfd4", "rt_sigsuspend", "rt_sigtimedwait",
      because: "QEMU's event loop and worker threads")
    + [
      .allow("prctl", when: [.argument(0, equals: 29)], because: "PR_SET_TIMERSLACK"),
      .allow("membarrier", because: "QEMU's read-copy-update, where it is built to use it"),
    ]

  /// Type 0x12 holds the requests of block devices: sizes are asked; what changes a device needs
  /// a writable descriptor or a capability, and there is neither.
  private static let daemonDeviceRules: [SyscallRule] =
    [
      .allow(
        "ioctl", when: [.argument(1, bits: 0xFF00, equal: 0x1200)],
        because: "the size and sector size of a block device")
    ]
    + (8..<16).map { bit in
      // One rule per bit that differs from 0x12: together, every other type.
      let mask: UInt64 = 1 << bit
      return .answer(
        "ioctl", when: [.argument(1, bits: mask, equal: ~0x1200 & mask)], errno: ENOTTY,
        because: "terminals and file systems are asked for what they do not have here")
    }

  private static let daemonSoftRules: [SyscallRule] = [
    .answer("io_uring_setup", errno: ENOSYS, because: "QEMU polls instead; rings pass the filter"),
    .answer("userfaultfd", errno: EPERM, because: "for migration, which is not wanted"),
    .answer("set_mempolicy", errno: EPERM, because: "libnuma tries what the kernel knows"),
    .answer("get_mempolicy", errno: EPERM, because: "libnuma tries what the kernel knows"),
    .answer("setsockopt", errno: EOPNOTSUPP, because: "tuning of TCP, which is not there"),
  ]
}
