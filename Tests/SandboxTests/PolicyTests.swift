import Testing

@testable import Sandbox

@Suite struct PolicyTests {
  static let grants: [SandboxGrant] = [.file, .readableDirectory, .writableDirectory]
  static let policies: [SandboxPolicy] =
    grants.flatMap { grant in
      [
        .staticPlugin(PluginResources(), grant: grant),
        .dynamicPlugin(PluginResources(), grant: grant),
        .commandPlugin(CommandPaths(), PluginResources(), grant: grant),
      ]
        + InterpreterProfile.all.map {
          .interpretedPlugin(
            $0, folder: .path("/folder", .read), PluginResources(), grant: grant)
        }
    } + [
      .storageDaemon(files: [.file(9, named: "/disk", .read)], imageCount: 1),
      .storageDaemon(writing: 9, named: "/disk"),
    ]

  @Test(arguments: policies)
  func `every rule says why, once`(policy: SandboxPolicy) {
    for rule in policy.rules {
      #expect(rule.reason.count > 3, "\(rule.call)")
      #expect(policy.rules.filter { $0 == rule }.count == 1, "\(rule.call) twice")
    }
  }

  @Test(arguments: policies)
  func `a rule without conditions is the only one of its call`(policy: SandboxPolicy) {
    for rule in policy.rules where rule.tests.isEmpty {
      #expect(policy.rules.filter { $0.call == rule.call } == [rule])
    }
  }

  @Test(arguments: policies)
  func `every policy compiles`(policy: SandboxPolicy) throws {
    let filter = try compileFilter(policy.rules, otherwise: .report, policy: policy.name)
    #expect(filter.instructionCount > policy.rules.count)
  }

  @Test(arguments: policies)
  func `no policy allows what leads out of it`(policy: SandboxPolicy) {
    let never: Set = [
      "execve", "fork", "vfork", "ptrace", "mount", "unshare", "setns", "bpf", "io_uring_setup",
      "kill", "connect", "bind", "memfd_create", "userfaultfd", "linkat", "symlinkat", "mknodat",
      "seccomp", "process_vm_readv", "pidfd_open", "perf_event_open", "chroot", "open_by_handle_at",
    ]
    let allowed = policy.rules.filter { $0.action == .allow }.map(\.call)
    // A shell's processes stay in its PID namespace; mounts and Landlock say what is executed.
    let isOfShell = policy.name == InterpreterProfile.shell.name
    let contained: Set = isOfShell ? ["execve", "fork", "vfork", "kill"] : []
    #expect(never.subtracting(contained).isDisjoint(with: allowed))
    #expect(policy.requiredLayers == (isOfShell ? [.pidNamespace, .mountNamespace] : []))
  }

  @Test func `of the daemon that writes one file alone can be written`() {
    let policy = SandboxPolicy.storageDaemon(writing: 9, named: "/images/disk")
    let writable = policy.paths.filter { $0.rights.contains(.write) }.map(\.name)
    #expect(writable == ["/dev/null", "/images/disk"])
    let reading = SandboxPolicy.storageDaemon(
      files: [.file(9, named: "/images/disk", .read)], imageCount: 1)
    #expect(reading.paths.filter { $0.rights.contains(.write) }.map(\.name) == ["/dev/null"])
    #expect(!reading.rules.contains { $0.call == "pwrite64" && $0.action == .allow })
  }

  @Test func `an unknown call is an error and not a hole`() {
    let rules: [SyscallRule] = [
      .allow("read", because: "it reads"), .allow("raed", because: "typo"),
    ]
    #expect(throws: SandboxError.unknownCall("raed")) {
      try compileFilter(rules, otherwise: .report, policy: "test")
    }
  }

  @Test func `limits have room for the pool and the threads`() {
    let small = ResourceLimits(PluginResources(memoryBytes: 1 << 20, poolBytes: 0))
    let large = ResourceLimits(
      PluginResources(memoryBytes: 1 << 20, threads: 8, poolBytes: 1 << 30))
    let addresses = (small.addressSpaceBytes ?? 0, large.addressSpaceBytes ?? 0)
    #expect(addresses.1 - addresses.0 >= (1 << 30) + 7 * (64 << 20))
    let absurd = ResourceLimits(
      PluginResources(memoryBytes: .max, threads: .max, poolBytes: .max))
    #expect(absurd.openFiles == 64)
  }
}

extension SandboxPolicy: CustomTestStringConvertible {
  public var testDescription: String { "\(name), \(rules.count) rules" }
}
