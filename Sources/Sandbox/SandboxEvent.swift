internal import CSeccomp
internal import Glibc

/// How a process ended.
package enum ExitStatus: Sendable, Equatable, CustomStringConvertible {
  /// It exited with 0…255.
  case code(Int32)
  /// A signal ended it.
  case signal(Int32)

  package var description: String {
    switch self {
    case .code(let code): "exit status \(code)"
    case .signal(let signal): "signal \(signal)"
    }
  }
}

/// What the launcher tells of a sandboxed process, in the order it happened.
package enum SandboxEvent: Sendable, Equatable {
  /// The program runs, behind `layers`; `missing` names the wanted ones this kernel lacks.
  case started(layers: SandboxLayers, missing: [String])
  /// It made a call that its policy denies, and is killed for it: ``exited`` follows. The path is
  /// what the call names, as the program says.
  case denied(call: String, number: Int, arguments: [UInt64], path: String?)
  /// It could not be started, or not be watched any longer; the last event.
  case failed(step: String, code: Int32)
  /// It has ended and is reaped; the last event.
  case exited(ExitStatus, cpuSeconds: Double, peakBytes: Int)

  /// Whether no other event can follow.
  package var isLast: Bool {
    switch self {
    case .started, .denied: false
    case .failed, .exited: true
    }
  }

  /// For people: `plugin "x" called openat(2) on "/x", which its sandbox denies`; `nil` for other
  /// events.
  ///
  /// - Parameter subject: `plugin "x"`.
  package func denialText(of subject: String) -> String? {
    guard case .denied(let call, _, _, let path) = self else { return nil }
    let object = path.map { " on \"\($0)\"" } ?? ""
    return "\(subject) called \(call)\(object), which its sandbox denies"
  }
}

/// The name of a system call of this machine: `socket(2)`, or `system call 470` for those newer
/// than libseccomp.
func systemCallName(_ number: Int32) -> String {
  let arch = seccomp_arch_native()
  guard let name = unsafe seccomp_syscall_resolve_num_arch(arch, number) else {
    return "system call \(number)"
  }
  defer { unsafe free(name) }
  return unsafe String(cString: name) + "(2)"
}
