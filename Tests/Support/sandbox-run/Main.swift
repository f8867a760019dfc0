import Glibc
import Sandbox
import System

// Launches one program in a sandbox and prints its events, one per line, so that a test can be the
// host as another user than its own, or be killed as a host.
//
//   sandbox-run [--OPTION[=VALUE]…] LAUNCHER PROGRAM [ARGUMENT…]
//
//   policy=static|dynamic|keep  directory=DIR (as descriptor 6)  readonly  strict  without=LAYER,…
//   read=PATH,…  device=PATH,… (path rules)  allow=CALL,… (rules)  seconds=N (deadline)

struct Options {
  private(set) var values: [String: String] = [:]
  private(set) var rest: [String] = []

  init(_ arguments: [String]) {
    let options = arguments.prefix { $0.hasPrefix("--") }
    for option in options {
      let parts = option.dropFirst(2).split(separator: "=", maxSplits: 1).map(String.init)
      values[parts[0]] = parts.count > 1 ? parts[1] : ""
    }
    rest = Array(arguments.dropFirst(options.count))
  }

  func list(_ name: String) -> [String] {
    values[name].map { $0.split(separator: ",").map(String.init) } ?? []
  }

  var policy: SandboxPolicy {
    let resources = PluginResources(fileBytes: 1 << 30)
    let writable: SandboxGrant =
      values["readonly"] == nil ? .writableDirectory : .readableDirectory
    let grant = values["directory"] == nil ? .file : writable
    var policy: SandboxPolicy
    switch values["policy"] {
    case "dynamic": policy = .dynamicPlugin(resources, grant: grant)
    case "keep":
      policy = .dynamicPlugin(resources, grant: .file)
      policy.identity = .keep
      policy.keptCapabilities = SandboxPolicy.readAnyFile
      if geteuid() == 0 { policy.namespaces.remove(.userNamespace) }
    default: policy = .staticPlugin(resources, grant: grant)
    }
    policy.paths += list("read").map { .path($0, .read) }
    policy.paths += list("device").map { .path($0, [.read, .write, .device]) }
    policy.rules += list("allow").map { .allow($0, because: "a test asked for it") }
    return policy
  }

  var missing: SandboxLayers {
    list("without").reduce(into: []) { layers, name in
      switch name {
      case "landlock": layers.insert(.landlock)
      case "userns": layers.insert(.userNamespace)
      case "namespaces": layers.formUnion(.allNamespaces)
      case "mdwe": layers.insert(.refusesExecGain)
      case "reports": layers.insert(.reports)
      default: say("no layer \(name)")
      }
    }
  }
}

/// Unbuffered: whoever reads may kill this process next.
func say(_ line: String) {
  let bytes = Array((line + "\n").utf8)
  _ = bytes.withUnsafeBytes { write(1, $0.baseAddress!, $0.count) }
}

@main
struct Run {
  static func main() {
    do { try run(Options(Array(CommandLine.arguments.dropFirst()))) } catch {
      say("error: \(error)")
      exit(1)
    }
  }

  static func run(_ options: Options) throws {
    var descriptors: [(source: Int32, target: Int32)] = [(0, 0), (1, 1), (2, 2)]
    if let path = options.values["directory"] {
      descriptors.append((try openFile(path, flags: O_RDONLY | O_DIRECTORY).release(), 6))
    }
    let program = options.rest[1]
    var command = SandboxCommand(
      executable: try openTrustedExecutable(program), name: "test",
      arguments: Array(options.rest.dropFirst()), descriptors: descriptors,
      policy: options.policy, mode: options.values["strict"] == nil ? .auto : .strict)
    command.pretendMissing(options.missing)
    let process = try SandboxedProcess.launch(command, launcher: options.rest[0])
    let seconds = options.values["seconds"].flatMap { Double($0) } ?? 10
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    var poller = Poller()
    poller.add(process.statusDescriptor, .readable)
    while !process.hasEnded, MonotonicTime.now < deadline {
      _ = try poller.wait(seconds: deadline.seconds(since: .now))
      process.readEvents().forEach(show)
    }
    let status = process.reap(deadline: deadline)
    process.readEvents().forEach(show)
    say("reaped: \(status.map { "\($0)" } ?? "nothing")")
  }

  static func show(_ event: SandboxEvent) {
    switch event {
    case .started(_, let missing): say("started: \(missing.joined(separator: "; "))")
    case .denied: say("denied: \(event.denialText(of: "plugin \"test\"") ?? "")")
    case .failed(let step, let code): say("failed: \(step) \(errnoName(code))")
    case .exited(let status, let seconds, let bytes):
      say("exited: \(status) cpu \(seconds) s peak \(bytes) B")
    }
  }
}
