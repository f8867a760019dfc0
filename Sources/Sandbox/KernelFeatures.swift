internal import CLinux
internal import Glibc
internal import System

/// What this kernel offers a sandbox, found out by building one that executes nothing.
package struct KernelFeatures: Sendable, Equatable {
  /// The layers a static plugin would get from the caller.
  package let layers: SandboxLayers
  /// Names of the wanted layers that are missing; empty on a complete machine.
  package let missing: [String]
  /// ABI of the kernel's Landlock; 0 is none, 6 all that is wanted.
  package let landlockVersion: Int
  /// Why not even the mandatory layers stand: the step that failed and its errno.
  package let failure: Failure?

  package struct Failure: Sendable, Equatable {
    package let step: String
    package let code: Int32
  }

  /// Lets the launcher build a plugin's sandbox and report, without executing anything.
  ///
  /// Nothing of it outlives the call. Blocks for some milliseconds, ten seconds at most.
  ///
  /// - Parameter path: Of `sluice-launcher`.
  package static func probe(launcher path: String) throws(SandboxError) -> KernelFeatures {
    let null = try system { () throws(SystemCallError) in
      try openFile("/dev/null", flags: O_RDWR)
    }
    let launcher = try system { () throws(SystemCallError) in
      try openFile(path, flags: O_RDONLY)
    }
    var policy = SandboxPolicy.staticPlugin(PluginResources(), grant: .file)
    policy.identity = PluginUser(launcher: path).identity()
    var command = SandboxCommand(
      executable: launcher, name: "probe", arguments: ["probe"],
      descriptors: (0...2).map { (null.raw, Int32($0)) }, policy: policy, mode: .auto)
    command.isProbe = true
    let process = try SandboxedProcess.launch(command, launcher: path)
    _ = process.reap(deadline: MonotonicTime.now.advanced(bySeconds: 10))
    return KernelFeatures(process.readEvents(), landlockVersion: process.landlockVersion)
  }

  init(_ events: [SandboxEvent], landlockVersion: Int) {
    self.landlockVersion = landlockVersion
    var layers: SandboxLayers = []
    var missing: [String] = []
    var failure: Failure?
    for event in events {
      switch event {
      case .started(let found, let lacking): (layers, missing) = (found, lacking)
      case .failed(let step, let code): failure = Failure(step: step, code: code)
      case .denied, .exited: continue
      }
    }
    self.layers = layers
    self.missing = missing
    self.failure = layers.isEmpty ? failure : nil
  }
}
