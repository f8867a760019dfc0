import Glibc
import Sandbox
import System

// Launches one program in a sandbox and prints its events, one per line, so that tests can be the
// host under another user than their own.

@main
struct Run {
  static func main() {
    do { try run() } catch {
      print("error \(error)")
      exit(1)
    }
  }

  static func run() throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    let options = Dictionary(
      arguments.prefix { $0.hasPrefix("--") && $0 != "--" }
        .map { option -> (String, String) in
          let parts = option.dropFirst(2).split(separator: "=", maxSplits: 1).map(String.init)
          return (parts[0], parts.count > 1 ? parts[1] : "")
        }, uniquingKeysWith: { $1 })
    arguments.removeFirst(options.count)
    let launcher = arguments.removeFirst()
    let program = arguments.removeFirst()
    let directory = try options["directory"].map {
      try openFile($0, flags: O_RDONLY | O_DIRECTORY).release()
    }
    let resources = PluginResources()
    let grant: SandboxGrant = directory == nil ? .file : .writableDirectory
    let policy: SandboxPolicy =
      options["policy"] == "dynamic"
      ? .dynamicPlugin(resources, grant: grant) : .staticPlugin(resources, grant: grant)
    var descriptors: [(source: Int32, target: Int32)] = [(0, 0), (1, 1), (2, 2)]
    if let directory { descriptors.append((directory, 6)) }
    let command = SandboxCommand(
      executable: try openTrustedExecutable(program), name: "test", arguments: [program] + arguments,
      descriptors: descriptors, policy: policy, mode: options["strict"] == nil ? .auto : .strict)
    let process = try SandboxedProcess.launch(command, launcher: launcher)
    let start = Instant.now
    let status = process.reap(deadline: start.advanced(bySeconds: 10))
    for event in process.readEvents() { print(event) }
    print("reaped \(String(describing: status)) in \(Instant.now.seconds(since: start)) s")
  }
}
