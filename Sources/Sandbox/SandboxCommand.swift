package import System

/// Everything a launch needs. Consumed by it.
package struct SandboxCommand: ~Copyable {
  /// The program, from ``openTrustedExecutable(_:)``; executed by this descriptor.
  package let executable: OwnedDescriptor
  /// For messages.
  package var name: String
  /// The first one is the name the program sees of itself. No NUL in any.
  package var arguments: [String]
  /// `NAME=VALUE`; the process gets these and no others.
  package var environment: [String]
  /// The descriptors the process gets, and their numbers there (0…15). 0, 1 and 2 must be among
  /// them. The sources stay the caller's.
  package var descriptors: [(source: Int32, target: Int32)]
  package var policy: SandboxPolicy
  package var mode: SandboxMode
  private(set) var pretendedMissing: SandboxLayers = []
  /// Builds the sandbox, reports its layers and ends without executing anything.
  var isProbe = false

  package init(
    executable: consuming OwnedDescriptor, name: String, arguments: [String],
    environment: [String] = SandboxCommand.staticEnvironment,
    descriptors: [(source: Int32, target: Int32)], policy: SandboxPolicy, mode: SandboxMode
  ) {
    self.executable = executable
    self.name = name
    self.arguments = arguments
    self.environment = environment
    self.descriptors = descriptors
    self.policy = policy
    self.mode = mode
  }

  /// For tests only: acts as if the kernel lacked these layers. It can only remove one.
  package mutating func pretendMissing(_ layers: SandboxLayers) { pretendedMissing = layers }

  /// What a static Swift program needs where there is no `/proc`: without SWIFT_ROOT it cannot
  /// find out where it is, and dies.
  package static let staticEnvironment = ["SWIFT_ROOT=/nonexistent", "SWIFT_BACKTRACE=enable=no"]
}
