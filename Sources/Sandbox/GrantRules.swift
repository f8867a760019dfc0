internal import Glibc

extension SandboxPolicy {
  /// The calls that go with descriptor 6: where it is a directory, the names in it.
  static func grantRules(_ grant: SandboxGrant) -> [SyscallRule] {
    switch grant {
    case .file:
      [.answer("openat", errno: EACCES, because: "no path can be opened; the file is open")]
    case .readableDirectory: readableRules + elsewhereRules
    case .writableDirectory: writableRules + elsewhereRules
    }
  }

  /// What can be reached of descriptor 6 as a path.
  static func grantPaths(_ grant: SandboxGrant) -> [PathRule] {
    switch grant {
    case .file: []
    case .readableDirectory: [.inherited(6, .read)]
    case .writableDirectory: [.inherited(6, [.read, .write])]
    }
  }

  private static let elsewhereRules: [SyscallRule] = [
    .answer(
      "openat", when: [notHeld(0)], errno: EACCES,
      because: "start-up code looks for files that it can do without"),
    .allow("getdents64", because: "lists its directory"),
  ]

  private static let readableRules: [SyscallRule] = [
    .allow(
      "openat", when: [held(0), .argument(2, within: OpenFlags.reading)],
      because: "opens the archive's files")
  ]

  /// A mode with setuid or setgid is denied, and so are links, devices, sockets and owners.
  private static let writableRules: [SyscallRule] = [
    .allow(
      "openat", when: [held(0), .argument(2, within: OpenFlags.writing)],
      because: "opens files of the archive; O_CREAT is not among these flags"),
    .allow(
      "openat",
      when: [
        held(0),
        .argument(2, bits: ~OpenFlags.writing, equal: OpenFlags.create),
        .argument(3, within: 0o777),
      ],
      because: "makes files of the archive, without setuid or setgid"),
    .allow(
      "mkdirat", when: [held(0), .argument(2, within: 0o777)],
      because: "makes directories of the archive"),
    .allow("unlinkat", when: [held(0)], because: "removes what it made"),
    .allow("renameat", when: [held(0), held(2)], because: "gives a file its name within it"),
    .allow(
      "renameat2", when: [held(0), held(2), .argument(4, within: 1)],
      because: "the same, never over another (RENAME_NOREPLACE)"),
  ]
}
