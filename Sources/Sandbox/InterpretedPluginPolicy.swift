internal import Glibc

extension SandboxPolicy {
  /// For a plugin that is a script: it sees its own folder and the libraries of its interpreter,
  /// read-only, and nothing else.
  ///
  /// Where a script opens a file that it may not, the call fails instead of ending it: the
  /// interpreter then says which file, and in which line.
  ///
  /// - Parameter folder: That of the script, from ``PluginScript/folderRule``.
  package static func interpretedPlugin(
    _ profile: InterpreterProfile, folder: PathRule, _ resources: PluginResources,
    grant: SandboxGrant
  ) -> SandboxPolicy {
    var policy = SandboxPolicy(
      name: profile.name,
      rules: startRules + threadRules + memoryRules + ioRules + libraryRules
        + libraryGrantRules(grant) + interpreterRules,
      limits: ResourceLimits(resources))
    policy.limits.addressSpaceBytes? += libraryAddressBytes
    // The libraries first: a script's folder may lie below them.
    policy.paths = profile.places.map(\.rule) + [folder] + grantPaths(grant)
    return policy
  }

  private static let callbackReason = "callbacks of libffi (ctypes) are new code: they fail"

  private static let interpreterRules: [SyscallRule] =
    [SyscallRule].allow("select", "pselect6", because: "waits as poll(2) does; sleeping in Perl")
    + [.allow("getgroups", because: "Perl looks whether it may open a file")]
    + [UInt64(O_WRONLY), UInt64(O_RDWR), OpenFlags.create].map {
      .answer(
        "openat", when: [notHeld(0), .argument(2, bits: $0, equal: $0)], errno: EROFS,
        because: "a path can be opened to read only; the interpreter then tells the line")
    }
    + [UInt64(O_WRONLY), UInt64(O_RDWR), OpenFlags.create].map {
      .answer(
        "open", when: [.argument(1, bits: $0, equal: $0)], errno: EROFS,
        because: "a path can be opened to read only; the interpreter then tells the line")
    }
    + [SyscallRule].answer(
      "preadv2", "pwritev2", errno: ENOSYS,
      because: "os.preadv and os.pwritev of Python; the C library calls preadv(2), pwritev(2) then")
    + [
      .answer("memfd_create", errno: EPERM, because: callbackReason),
      .answer(
        "mmap", when: [.argument(2, bits: protection, equal: protection)], errno: EACCES,
        because: callbackReason),
    ]
}
