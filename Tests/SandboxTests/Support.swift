import CommandLine
import CLinux
import Foundation
import Testing

@testable import Sandbox
@testable import System

/// The executables of this package, beside the test bundle.
enum Built {
  static let directory: String = {
    let bundle =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let candidates = [
      (bundle as NSString).deletingLastPathComponent,
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path + "/.build/debug",
    ]
    return candidates.first {
      FileManager.default.isExecutableFile(atPath: $0 + "/sluice-launcher")
    } ?? candidates[0]
  }()

  static var launcher: String { directory + "/sluice-launcher" }
  static var guest: String { directory + "/sandbox-guest" }
}

let isRoot = geteuid() == 0
let nobody: UInt32 = 65534

extension Scratch {
  /// Makes a file in a directory that everybody may enter.
  func file(_ name: String, mode: mode_t = 0o600, _ text: String = "text") throws -> String {
    chmod(directory, 0o755)
    try create(name, Array(text.utf8))
    chmod(path(name), mode)
    return path(name)
  }
}

/// What a guest did.
struct Visit {
  var events: [SandboxEvent]
  var status: Sandbox.ExitStatus?
  var output: String

  var missing: [String]? {
    for case .started(_, let missing) in events { return missing }
    return nil
  }
  var denial: String? { events.lazy.compactMap { $0.denialText(of: "plugin \"x\"") }.first }
  var failedStep: String? {
    for case .failed(let step, _) in events { return step }
    return nil
  }
}

/// A launched guest whose output comes through a pipe that only it holds.
struct Guest: ~Copyable {
  let process: SandboxedProcess
  let output: OwnedDescriptor

  init(
    _ arguments: [String], program: String = Built.guest,
    policy: SandboxPolicy = .staticPlugin(PluginResources(), grant: .file),
    mode: SandboxMode = .auto, without: SandboxLayers = [],
    environment: [String] = SandboxCommand.staticEnvironment,
    descriptors: [(source: Int32, target: Int32)] = []
  ) throws {
    try self.init(
      try openTrustedExecutable(program), [program] + arguments, policy, mode, without, environment,
      descriptors)
  }

  /// A script in its sandbox, as a host starts it.
  init(
    _ script: String, _ profile: InterpreterProfile, arguments: [String] = [],
    grant: SandboxGrant = .file, mode: SandboxMode = .auto, without: SandboxLayers = [],
    descriptors: [(source: Int32, target: Int32)] = []
  ) throws {
    let opened = try PluginScript(script)
    let policy = SandboxPolicy.interpretedPlugin(
      profile, folder: opened.folderRule, PluginResources(fileBytes: 1 << 30), grant: grant)
    try self.init(
      try profile.open(profile.program),
      [profile.program] + profile.arguments + [opened.path] + arguments, policy, mode, without,
      SandboxCommand.staticEnvironment, descriptors)
    withExtendedLifetime(opened) {}
  }

  /// A shell script in its sandbox, which may start some programs.
  init(
    shell script: String, commands: [String], grant: SandboxGrant = .file,
    without: SandboxLayers = [], descriptors: [(source: Int32, target: Int32)] = []
  ) throws {
    let opened = try PluginScript(script)
    let shell = InterpreterProfile.shell
    let shown = try PluginCommands(shell: shell.program, commands, manifest: script)
    let paths = CommandPaths(read: [opened.folderRule], programs: shown.programs)
    try self.init(
      try shell.open(shell.program), [shell.program, opened.path],
      .commandPlugin(paths, PluginResources(), grant: grant), .auto, without, [], descriptors)
    withExtendedLifetime(opened) {}
    withExtendedLifetime(shown) {}
  }

  private init(
    _ executable: consuming OwnedDescriptor, _ words: [String], _ policy: SandboxPolicy,
    _ mode: SandboxMode, _ without: SandboxLayers, _ environment: [String],
    _ descriptors: [(source: Int32, target: Int32)]
  ) throws {
    let null = try openFile("/dev/null", flags: O_RDWR)
    var pipe = try System.Pipe()
    var command = SandboxCommand(
      executable: executable, name: "x", arguments: words, environment: environment,
      descriptors: [(null.raw, 0), (pipe.writeRaw, 1), (null.raw, 2)] + descriptors,
      policy: policy, mode: mode)
    command.pretendMissing(without)
    process = try SandboxedProcess.launch(command, launcher: Built.launcher)
    output = pipe.takeReadEnd()
  }

  /// Waits for the guest to end; nothing takes longer than ten seconds.
  consuming func finish() -> Visit {
    let status = process.reap(deadline: MonotonicTime.now.advanced(bySeconds: 10))
    let events = process.readEvents()
    return Visit(events: events, status: status, output: readToEnd(output.raw) ?? "")
  }
}

/// Everything that comes until the last writer has gone; `nil` if that takes over ten seconds.
func readToEnd(_ descriptor: Int32) -> String? {
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  var poller = Poller()
  poller.add(descriptor, .readable)
  let deadline = MonotonicTime.now.advanced(bySeconds: 10)
  while MonotonicTime.now < deadline {
    guard (try? poller.wait(seconds: 1)) ?? 0 > 0 else { continue }
    let count = clinux_read(descriptor, &buffer, buffer.count)
    if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
    bytes += buffer.prefix(count)
  }
  return nil
}

/// Reads one line from a process that goes on.
func readLine(_ descriptor: Int32) -> String {
  var line: [UInt8] = []
  var byte: UInt8 = 0
  while clinux_read(descriptor, &byte, 1) == 1, byte != 10 { line.append(byte) }
  return String(decoding: line, as: UTF8.self)
}
