package import BackupProtocol
internal import CLinux
internal import Glibc
package import Sandbox
package import System

/// What a plugin gets, apart from its pipes. Specified in protocol.md §2.1.
package struct PluginGrants: ~Copyable {
  /// Descriptor 5: the pool, opened as the mode of the job allows.
  package let pool: OwnedDescriptor
  let poolBytes: Int
  /// Descriptor 6: where the archive goes, or comes from.
  package let archive: OwnedDescriptor
  let kind: Job.OutputKind
  let mode: Job.Mode
  /// Whose rights a writer has.
  let identity: SandboxIdentity
  /// Descriptor 8, in read and verify mode; kept open here, looked at through the two below.
  private let scratch: ScratchFile?
  package let scratchRaw: Int32?
  let scratchBytesMax: UInt64?

  package init(
    pool: consuming OwnedDescriptor, poolBytes: Int, archive: consuming OwnedDescriptor,
    kind: Job.OutputKind, mode: Job.Mode, identity: SandboxIdentity = .plugin,
    scratch: consuming ScratchFile? = nil
  ) {
    self.pool = pool
    self.poolBytes = poolBytes
    self.archive = archive
    self.kind = kind
    self.mode = mode
    self.identity = identity
    if let given = scratch {
      scratchRaw = given.file.raw
      scratchBytesMax = given.bytesMax
      self.scratch = consume given
    } else {
      (scratchRaw, scratchBytesMax) = (nil, nil)
      self.scratch = nil
    }
  }
}

/// A plugin that has been started: its process and our ends of its pipes, each taken out once.
package final class PluginProcess {
  let sandboxed: SandboxedProcess
  private var toPlugin: Pipe
  private var fromPlugin: Pipe
  private var log: Pipe

  /// Starts a plugin in its sandbox.
  ///
  /// - Throws: `PluginFailure` with `.launch`; nothing is left running.
  package init(
    _ plugin: InstalledPlugin, label: String, grants: consuming PluginGrants,
    sandbox: SandboxMode, launcher: String
  ) throws(PluginFailure) {
    do {
      toPlugin = try Pipe()
      fromPlugin = try Pipe()
      log = try Pipe()
      for end in [toPlugin.writeRaw, fromPlugin.readRaw, log.readRaw] {
        try check(clinux_set_nonblocking(end, 1), .setFlags, "the plugin's pipe")
      }
      let null = try openFile("/dev/null", flags: O_RDONLY)
      let program = try PluginProgram(plugin, launcher: launcher)
      let policy = try SandboxPolicy.plugin(
        plugin.manifest, script: program.script, grants: grants)
      var descriptors: [(source: Int32, target: Int32)] = [
        (null.raw, 0), (log.writeRaw, 1), (log.writeRaw, 2), (toPlugin.readRaw, 3),
        (fromPlugin.writeRaw, 4), (grants.pool.raw, 5), (grants.archive.raw, 6),
      ]
      if let raw = grants.scratchRaw { descriptors.append((raw, ScratchFile.descriptor)) }
      // The policy stands on what the program holds open.
      defer { withExtendedLifetime(program) {} }
      let executable = OwnedDescriptor(
        adopting: try check(
          clinux_duplicate(program.executable.raw), .duplicate, plugin.executable))
      let command = Self.command(
        executable, program.arguments, label: label, descriptors: descriptors, policy: policy,
        mode: sandbox)
      sandboxed = try SandboxedProcess.launch(command, launcher: launcher)
    } catch {
      throw PluginFailure(plugin: label, cause: .launch("\(error)"))
    }
    closePluginEnds()
  }

  /// How a plugin is started, and all that it finds in its environment.
  ///
  /// - Parameters:
  ///   - executable: Of its ``PluginProgram``, as are the arguments.
  ///   - variables: Those of the protocol; only who tests plugins has others.
  package static func command(
    _ executable: consuming OwnedDescriptor, _ arguments: [String], label: String,
    descriptors: [(source: Int32, target: Int32)], policy: SandboxPolicy, mode: SandboxMode,
    variables: [String] = ["SLUICE_PROTOCOL=1"]
  ) -> SandboxCommand {
    SandboxCommand(
      executable: executable, name: label, arguments: arguments,
      environment: variables + SandboxCommand.staticEnvironment, descriptors: descriptors,
      policy: policy, mode: mode)
  }

  /// A plugin's end that stays open here would keep us from hearing that it is gone.
  private func closePluginEnds() {
    _ = toPlugin.takeReadEnd()
    _ = fromPlugin.takeWriteEnd()
    _ = log.takeWriteEnd()
  }

  func takeOutput() -> OwnedDescriptor { toPlugin.takeWriteEnd() }
  func takeInput() -> OwnedDescriptor { fromPlugin.takeReadEnd() }
  func takeLog() -> OwnedDescriptor { log.takeReadEnd() }
}
