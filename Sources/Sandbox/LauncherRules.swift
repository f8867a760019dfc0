internal import CLaunch

private let emptyPath: UInt64 = 0x1000  // AT_EMPTY_PATH, which the Glibc module hides

extension SandboxPolicy {
  /// What the launcher itself still does after the filter stands: it tells the monitor, and becomes
  /// the program, once. Both descriptors close with that exec and lie above RLIMIT_NOFILE, so no
  /// descriptor of these numbers can exist again.
  static let launcherRules: [SyscallRule] = [
    .allow(
      "sendmsg", when: [.argument(0, equals: UInt64(LAUNCH_FD_CONTROL))],
      because: "the child hands the filter's listener to the monitor"),
    .allow(
      "execveat",
      when: [
        .argument(0, equals: UInt64(LAUNCH_FD_EXEC)), .argument(4, equals: emptyPath),
      ],
      because: "the child becomes the program; no second exec is possible"),
    .allow("exit_group", because: "every program ends"),
  ]

  /// The monitor's own filter: it waits, reads a notification, kills, reaps and reports.
  static let monitorRules: [SyscallRule] =
    [SyscallRule].allow(
      "poll", "ppoll", "restart_syscall", because: "waits for the plugin, a denial or the host")
    + [
      .allow(
        "ioctl", when: [.argument(1, equals: 0xc050_2100)],
        because: "SECCOMP_IOCTL_NOTIF_RECV: which call was denied")
    ]
    + [
      .allow(
        "tgkill", when: [.argument(2, equals: 0)],
        because: "whether the denied call is of the process whose memory it holds")
    ]
    + [SyscallRule].allow("pread64", because: "the path that a denied call names")
    + [SyscallRule].allow("pidfd_send_signal", "wait4", because: "ends and reaps the plugin")
    + [SyscallRule].allow("write", because: "reports to the host")
    + [SyscallRule].allow("close", "exit_group", "rt_sigreturn", because: "ends")
}
