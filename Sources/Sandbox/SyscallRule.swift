/// A condition on one argument of a system call; compared as the 64 bits the kernel was given.
package struct ArgumentTest: Sendable, Equatable {
  enum Comparison: Sendable, Equatable {
    case equals, differs, below, atLeast
    /// Only these bits are compared.
    case bits(UInt64)
  }

  let index: UInt32
  let comparison: Comparison
  let value: UInt64

  /// Argument `index` (0…5) is exactly `value`.
  package static func argument(_ index: UInt32, equals value: UInt64) -> ArgumentTest {
    ArgumentTest(index: index, comparison: .equals, value: value)
  }

  /// Argument `index` (0…5) is anything but `value`.
  package static func argument(_ index: UInt32, differsFrom value: UInt64) -> ArgumentTest {
    ArgumentTest(index: index, comparison: .differs, value: value)
  }

  /// Argument `index` (0…5) is less than `value`, unsigned: a small descriptor, not `AT_FDCWD`.
  package static func argument(_ index: UInt32, below value: UInt64) -> ArgumentTest {
    ArgumentTest(index: index, comparison: .below, value: value)
  }

  /// Argument `index` (0…5) is `value` or more, unsigned.
  package static func argument(_ index: UInt32, atLeast value: UInt64) -> ArgumentTest {
    ArgumentTest(index: index, comparison: .atLeast, value: value)
  }

  /// Of argument `index` (0…5), the bits of `mask` are those of `value`.
  package static func argument(
    _ index: UInt32, bits mask: UInt64, equal value: UInt64
  ) -> ArgumentTest {
    ArgumentTest(index: index, comparison: .bits(mask), value: value)
  }

  /// Argument `index` (0…5) has no bits but those of `mask`.
  package static func argument(_ index: UInt32, within mask: UInt64) -> ArgumentTest {
    .argument(index, bits: ~mask, equal: 0)
  }
}

/// One line of a policy: a system call, what happens to it, and why.
///
/// Calls that no rule matches are denied: the process is killed and the call reported. Rules of one
/// call are alternatives; the tests of one rule must all hold. Rules with different actions must
/// not overlap, for libseccomp has no order among them.
package struct SyscallRule: Sendable, Equatable {
  enum Action: Sendable, Equatable {
    case allow
    case answer(errno: Int32)
  }

  package let call: String
  let action: Action
  let tests: [ArgumentTest]
  /// Why the rule exists; never empty.
  package let reason: String

  /// The call runs.
  package static func allow(
    _ name: String, when tests: [ArgumentTest] = [], because reason: String
  ) -> SyscallRule {
    SyscallRule(call: name, action: .allow, tests: tests, reason: reason)
  }

  /// The call does not run, but its caller lives on.
  ///
  /// - Parameter errno: What the caller sees; 0 is a success that never happened.
  package static func answer(
    _ name: String, when tests: [ArgumentTest] = [], errno: Int32, because reason: String
  ) -> SyscallRule {
    SyscallRule(call: name, action: .answer(errno: errno), tests: tests, reason: reason)
  }
}

extension [SyscallRule] {
  /// Several calls allowed for one reason.
  package static func allow(_ names: String..., because reason: String) -> [SyscallRule] {
    names.map { .allow($0, because: reason) }
  }

  /// Several calls answered alike for one reason.
  package static func answer(
    _ names: String..., errno: Int32, because reason: String
  ) -> [SyscallRule] {
    names.map { .answer($0, errno: errno, because: reason) }
  }
}
