import CLinux
import Glibc
import Sandbox
import System

private let secondsMax = 20.0

func ignoreBrokenPipes() { clinux_ignore_sigpipe() }

/// Runs one attack and says how it ended.
func attack(
  _ name: String, by attacker: borrowing Attacker, in field: Field, under profile: Profile,
  launcher: String
) throws -> String {
  if profile == .none { return describe(try runBare(field), denied: nil) }
  var command = SandboxCommand(
    executable: try attacker.open(), name: name, arguments: field.arguments,
    descriptors: field.descriptors, policy: profile.policy(for: attacker), mode: .auto)
  command.pretendMissing(profile.missing)
  let process = try SandboxedProcess.launch(command, launcher: launcher)
  let status = process.reap(deadline: MonotonicTime.now.advanced(bySeconds: secondsMax))
  var denied: String?
  for event in process.readEvents() {
    switch event {
    case .denied(let call, _, _, _): denied = denied ?? call
    case .failed(let step, let code): return "not started: \(step) \(errnoName(code))"
    case .started, .exited: continue
    }
  }
  return describe(status, denied: denied)
}

private func describe(_ status: ExitStatus?, denied: String?) -> String {
  if let denied { return "killed at \(denied)" }
  switch status {
  case .code(0): return "succeeded"
  case .code(200): return "not reachable"
  case .code(let code): return errnoName(code)
  case .signal(let signal): return "signal \(signal)"
  case nil: return "did not end"
  }
}

/// Without any layer: a plain child with an environment and a descriptor that leaked.
private func runBare(_ field: Field) throws -> ExitStatus? {
  let table = field.descriptors + [(0, 15)]
  var arguments: [UnsafeMutablePointer<CChar>?] = field.arguments.map { strdup($0) } + [nil]
  var environment: [UnsafeMutablePointer<CChar>?] = [strdup("SLUICE_SECRET=1"), nil]
  defer { (arguments + environment).forEach { free($0) } }
  var pid: Int32 = 0
  let result = clinux_spawn(
    field.arguments[0], &arguments, &environment, table.map(\.0), table.map(\.1), table.count, &pid)
  try check(result, .spawn, field.arguments[0])
  let pidfd = OwnedDescriptor(adopting: try check(clinux_pidfd_open(pid), .pidfdOpen, "an attack"))
  var poller = Poller()
  poller.add(pidfd.raw, .readable)
  if try poller.wait(seconds: secondsMax) == 0 { _ = clinux_pidfd_signal(pidfd.raw, SIGKILL) }
  _ = try poller.wait(seconds: 5)
  var code: Int32 = 0
  var isSignal: Int32 = 0
  guard clinux_reap(pid, &code, &isSignal) == 1 else { return nil }
  return isSignal != 0 ? .signal(code) : .code(code)
}
