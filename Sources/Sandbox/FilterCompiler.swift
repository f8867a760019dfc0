internal import CLaunch
internal import CLinux
internal import CSeccomp
internal import Glibc
internal import System

/// A filter as seccomp(2) takes it: instructions of 8 bytes each.
struct CompiledFilter: Equatable {
  let bytes: [UInt8]
  var instructionCount: Int { bytes.count / 8 }
}

/// What happens to calls without a rule.
enum DefaultAction {
  /// The monitor is notified, and kills.
  case report
  /// The kernel kills at once.
  case kill

  fileprivate var action: UInt32 {
    switch self {
    case .report: 0x7fc0_0000
    case .kill: 0x8000_0000
    }
  }
}

/// Compiles rules with libseccomp.
///
/// This happens in the host and not in the launcher: the launcher then needs neither libseccomp nor
/// any policy, and what is installed is what the host saw.
///
/// Calls of another architecture (32-bit, x32) kill the process.
func compileFilter(
  _ rules: [SyscallRule], otherwise: DefaultAction, policy: String
) throws(SandboxError) -> CompiledFilter {
  let context = unsafe seccomp_init(otherwise.action)
  guard let context = unsafe context else {
    throw .filter(policy: policy, call: "seccomp_init", code: ENOMEM)
  }
  defer { unsafe seccomp_release(context) }
  // A wrong architecture ends the process, not only the thread; and the calls stand in a binary
  // tree, so that none pays for the length of the list.
  let attributes: [(scmp_filter_attr, UInt32)] = [
    (SCMP_FLTATR_ACT_BADARCH, DefaultAction.kill.action), (SCMP_FLTATR_CTL_OPTIMIZE, 2),
  ]
  for (attribute, value) in attributes {
    let result = unsafe seccomp_attr_set(context, attribute, value)
    guard result == 0 else { throw .filter(policy: policy, call: "attribute", code: -result) }
  }
  for rule in rules { unsafe try add(rule, to: context, policy: policy) }
  return unsafe try exported(context, policy: policy)
}

private func add(
  _ rule: SyscallRule, to context: scmp_filter_ctx, policy: String
) throws(SandboxError) {
  let number = unsafe seccomp_syscall_resolve_name(rule.call)
  guard number != -1 else { throw .unknownCall(rule.call) }
  // Other negative numbers: a call this architecture does not have.
  guard number >= 0 else { return }
  let tests = rule.tests.map(\.libseccompComparison)
  let result = unsafe tests.withUnsafeBufferPointer {
    unsafe seccomp_rule_add_array(
      context, rule.action.value, number, UInt32($0.count), $0.baseAddress)
  }
  // EEXIST: an equal rule stands already, e.g. poll and ppoll on an architecture without poll.
  guard result == 0 || result == -EEXIST else {
    throw .filter(policy: policy, call: rule.call, code: -result)
  }
}

private func exported(
  _ context: scmp_filter_ctx, policy: String
) throws(SandboxError) -> CompiledFilter {
  let file = try system { () throws(SystemCallError) in
    OwnedDescriptor(
      adopting: try check(unsafe clinux_memfd_create("filter"), .memfdCreate, "a filter"))
  }
  let result = unsafe seccomp_export_bpf(context, file.raw)
  guard result == 0 else { throw .filter(policy: policy, call: "export", code: -result) }
  let size = try system { () throws(SystemCallError) in
    Int(try FileStatus(descriptor: file.raw, subject: "a filter").size)
  }
  guard size > 0, size % 8 == 0, size / 8 <= LAUNCH_FILTER_MAX else {
    throw .filter(policy: policy, call: "export", code: E2BIG)
  }
  var bytes = [UInt8](repeating: 0, count: size)
  _ = try system { () throws(SystemCallError) in
    var failure: SystemCallError?
    unsafe bytes.withUnsafeMutableBytes { buffer in
      do throws(SystemCallError) {
        _ = try unsafe file.readAll(into: buffer, at: 0, subject: "a filter")
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }
  return CompiledFilter(bytes: bytes)
}

extension SyscallRule.Action {
  fileprivate var value: UInt32 {
    switch self {
    case .allow: 0x7fff_0000
    case .answer(let errno): 0x0005_0000 | (UInt32(bitPattern: errno) & 0xffff)
    }
  }
}

extension ArgumentTest {
  fileprivate var libseccompComparison: scmp_arg_cmp {
    let (operation, first, second): (scmp_compare, UInt64, UInt64) =
      switch comparison {
      case .equals: (SCMP_CMP_EQ, value, 0)
      case .differs: (SCMP_CMP_NE, value, 0)
      case .below: (SCMP_CMP_LT, value, 0)
      case .atLeast: (SCMP_CMP_GE, value, 0)
      case .bits(let mask): (SCMP_CMP_MASKED_EQ, mask, value)
      }
    return scmp_arg_cmp(arg: index, op: operation, datum_a: first, datum_b: second)
  }
}
