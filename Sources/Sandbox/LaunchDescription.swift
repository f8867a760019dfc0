internal import CLaunch
internal import CLinux
internal import Glibc
internal import System

/// What the launcher reads: ``SandboxCommand`` as the bytes of `launch.h`, in a sealed memory file.
struct LaunchDescription {
  private(set) var bytes: [UInt8] = []
  /// Descriptors that path rules stand on, and their numbers in the launcher.
  private(set) var pathDescriptors: [(source: Int32, target: Int32)] = []

  init(_ command: borrowing SandboxCommand) throws(SandboxError) {
    try Self.check(command)
    let policy = command.policy
    let filter = try compileFilter(
      SandboxPolicy.launcherRules + policy.rules.filter { $0.call != "exit_group" },
      otherwise: .report, policy: policy.name)
    let monitor = try compileFilter(
      SandboxPolicy.monitorRules, otherwise: .kill, policy: "the monitor")
    let strings = command.arguments + command.environment + policy.paths.map(\.name)
    let stringBytes: [UInt8] = strings.flatMap { [UInt8]($0.utf8) + [0] }
    let limits = policy.limits.table
    let targets = command.descriptors.map(\.target)

    var header = launch_header()
    header.magic = UInt32(LAUNCH_MAGIC)
    header.version = UInt32(LAUNCH_VERSION)
    header.flags = Self.flags(command)
    header.wanted = policy.wantedLayers.rawValue
    (header.user, header.group) = policy.identity.ids
    header.capabilities = policy.keptCapabilities
    header.limit_count = UInt32(limits.count)
    header.path_count = UInt32(policy.paths.count)
    header.filter_count = UInt32(filter.instructionCount)
    header.monitor_filter_count = UInt32(monitor.instructionCount)
    header.descriptor_count = UInt32(targets.count)
    header.argument_count = UInt32(command.arguments.count)
    header.environment_count = UInt32(command.environment.count)
    header.string_bytes = UInt32(stringBytes.count)
    header.required = policy.requiredLayers.rawValue

    var body: [UInt8] = []
    for limit in limits {
      unsafe Self.append(
        launch_limit(resource: limit.resource, reserved: 0, value: limit.value), to: &body)
    }
    for rule in policy.paths { unsafe Self.append(try number(rule), to: &body) }
    body += filter.bytes + monitor.bytes
    for target in targets { unsafe Self.append(UInt32(target), to: &body) }
    body += stringBytes
    header.bytes = UInt32(MemoryLayout<launch_header>.size + body.count)
    unsafe Self.append(header, to: &bytes)
    bytes += body
    guard bytes.count <= LAUNCH_BYTES_MAX else {
      throw .invalidCommand("its description is too long")
    }
  }

  /// The description in a memory file that nobody can change any more.
  func sealed() throws(SandboxError) -> OwnedDescriptor {
    try system { () throws(SystemCallError) in
      let subject = "a launch description"
      let file = OwnedDescriptor(
        adopting: try System.check(unsafe clinux_memfd_create("launch"), .memfdCreate, subject))
      var failure: SystemCallError?
      unsafe bytes.withUnsafeBytes { buffer in
        do throws(SystemCallError) {
          try unsafe file.writeAll(buffer, at: 0, subject: subject)
        } catch {
          failure = error
        }
      }
      if let failure { throw failure }
      let writing: Int32 = 8  // F_SEAL_WRITE
      let seals = writing | Int32(CLINUX_SEAL_SHRINK | CLINUX_SEAL_GROW | CLINUX_SEAL_SEAL)
      try System.check(clinux_add_seals(file.raw, seals), .seal, subject)
      return file
    }
  }

  /// Gives a path rule its number in the launcher.
  private mutating func number(_ rule: PathRule) throws(SandboxError) -> launch_path {
    var path = launch_path(
      descriptor: UInt32.max, rights: rule.rights.rawValue,
      flags: UInt32(rule.isOptional ? LAUNCH_PATH_OPTIONAL : 0), reserved: 0)
    switch rule.place {
    case .name: path.flags |= UInt32(LAUNCH_PATH_BIND)
    case .descriptor(let source):
      let target = Int32(LAUNCH_FD_PATHS + pathDescriptors.count)
      guard target <= LAUNCH_FD_PATHS_MAX else { throw .invalidCommand("too many open paths") }
      pathDescriptors.append((source, target))
      path.descriptor = UInt32(target)
      path.flags |= UInt32(LAUNCH_PATH_BIND)
    case .inherited(let target):
      path.descriptor = UInt32(bitPattern: target)
      path.flags |= UInt32(LAUNCH_PATH_REROOT)
      if !rule.name.isEmpty { path.flags |= UInt32(LAUNCH_PATH_BIND) }
    case .inheritedFile(let target): path.descriptor = UInt32(bitPattern: target)
    }
    return path
  }

  // Why: the bytes of a C struct. Safe because: only structs of launch.h, which have no padding.
  @unsafe private static func append<Value: BitwiseCopyable>(
    _ value: Value, to bytes: inout [UInt8]
  ) {
    unsafe withUnsafeBytes(of: value) { unsafe bytes.append(contentsOf: $0) }
  }
}

extension LaunchDescription {
  /// Finds what the launcher would refuse, so that the message can be a better one.
  private static func check(_ command: borrowing SandboxCommand) throws(SandboxError) {
    let policy = command.policy
    let strings = command.arguments + command.environment + policy.paths.map(\.name)
    guard !strings.contains(where: { $0.utf8.contains(0) }) else {
      throw .invalidCommand("a NUL in an argument, a variable or a path")
    }
    let targets = command.descriptors.map(\.target)
    guard Set(targets).isSuperset(of: [0, 1, 2]), Set(targets).count == targets.count,
      targets.allSatisfy({ (0...Int32(LAUNCH_FD_PLUGIN_MAX)).contains($0) })
    else { throw .invalidCommand("descriptors must be 0, 1, 2 and others up to 15, each once") }
    guard (1...LAUNCH_ARGUMENTS_MAX).contains(command.arguments.count),
      command.environment.count <= LAUNCH_ENVIRONMENT_MAX,
      policy.paths.count <= LAUNCH_PATHS_MAX
    else { throw .invalidCommand("too many arguments, variables or paths") }
    for rule in policy.paths {
      switch rule.place {
      case .inherited(let target), .inheritedFile(let target):
        guard targets.contains(target) else {
          throw .invalidCommand("a path rule for descriptor \(target), which is not passed on")
        }
        guard rule.name.isEmpty || rule.isBelowRoot else { throw .misplaced(rule) }
      case .name, .descriptor:
        guard rule.isBelowRoot else { throw .misplaced(rule) }
      }
    }
  }

  private static func flags(_ command: borrowing SandboxCommand) -> UInt32 {
    let missing = command.pretendedMissing
    let table: [(Bool, Int)] = [
      (command.mode == .strict, LAUNCH_STRICT), (command.policy.hasNewRoot, LAUNCH_NEW_ROOT),
      (command.policy.hasPrivateProc, LAUNCH_PRIVATE_PROC),
      (command.policy.refusesExecGain, LAUNCH_REFUSE_EXEC_GAIN), (command.isProbe, LAUNCH_PROBE),
      (missing.contains(.landlock), LAUNCH_WITHOUT_LANDLOCK),
      (missing.contains(.userNamespace), LAUNCH_WITHOUT_USER_NAMESPACE),
      (missing.contains(.allNamespaces), LAUNCH_WITHOUT_NAMESPACES),
      (missing.contains(.refusesExecGain), LAUNCH_WITHOUT_MDWE),
      (missing.contains(.reports), LAUNCH_WITHOUT_LISTENER),
    ]
    return table.reduce(0) { $1.0 ? $0 | UInt32($1.1) : $0 }
  }
}

extension SandboxPolicy {
  /// The layers a machine that has everything gives this policy.
  var wantedLayers: SandboxLayers {
    var wanted: SandboxLayers = [.filter, .reports, .noNewPrivileges, .limits]
    wanted.formUnion(.allLandlock)
    wanted.formUnion(namespaces)
    if refusesExecGain { wanted.insert(.refusesExecGain) }
    if identity != .keep && geteuid() == 0 { wanted.insert(.ownUser) }
    return wanted
  }
}

extension PathRule {
  fileprivate var isBelowRoot: Bool { name.hasPrefix("/") && name != "/" }
}

extension SandboxError {
  fileprivate static func misplaced(_ rule: PathRule) -> SandboxError {
    .invalidCommand("a path rule for \(rule.name): not an absolute path below /")
  }
}

extension SandboxIdentity {
  fileprivate var ids: (UInt32, UInt32) {
    switch self {
    case .mapped(let user, let group): (user, group)
    case .keep, .callers: (UInt32.max, UInt32.max)
    }
  }
}
