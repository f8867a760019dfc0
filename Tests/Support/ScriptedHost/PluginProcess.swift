internal import CLinux
internal import Glibc
package import SharedPool
package import System

/// How a process ended.
package enum End: Equatable, Sendable {
  case exit(Int32)
  case signal(Int32)
  /// Still running after the time; it was killed then.
  case timeout
}

/// A plugin's executable, started the way the host starts it but without a sandbox.
package final class PluginProcess {
  package let host: ScriptedHost
  package let pid: Int32
  private let pidfd: OwnedDescriptor
  private var end: End?

  /// The folder that the running test was built into, where the plugins are too.
  package static var buildFolder: String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes {
      readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    let path = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    return String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
  }

  /// - Parameters:
  ///   - name: Of a program of this build, or an absolute path.
  ///   - target: Becomes descriptor 6.
  ///   - isPoolWritable: As in read mode.
  ///   - otherPool: Descriptor that takes the pool's place.
  ///   - scratch: Becomes descriptor 8.
  ///   - wrapper: A program and its arguments that start the plugin, as `strace`.
  package init(
    _ name: String, target: borrowing OwnedDescriptor, pool: SharedPool?,
    shape: PoolShape = PoolShape(), isPoolWritable: Bool = false, otherPool: Int32? = nil,
    scratch: Int32? = nil, wrapper: [String] = []
  ) throws {
    var toPlugin = try Pipe()
    var fromPlugin = try Pipe()
    let null = try openFile("/dev/null", flags: O_RDWR)
    let readOnly = try pool?.readOnlyDescriptor() ?? null.duplicate()
    let writable = pool?.writableDescriptor ?? null.raw
    let poolDescriptor = isPoolWritable ? writable : readOnly.raw
    let path = name.hasPrefix("/") ? name : Self.buildFolder + "/" + name
    var descriptors: [(Int32, Int32)] = [
      (null.raw, 0), (2, 1), (2, 2), (toPlugin.readRaw, 3), (fromPlugin.writeRaw, 4),
      (otherPool ?? poolDescriptor, 5), (target.raw, 6),
    ]
    if let scratch { descriptors.append((scratch, 8)) }
    pid = try spawn(
      wrapper + [path],
      environment: ["SLUICE_PROTOCOL=1", "SWIFT_ROOT=/nonexistent"],
      descriptors: descriptors)
    pidfd = OwnedDescriptor(adopting: try check(clinux_pidfd_open(pid), .pidfdOpen, name))
    host = ScriptedHost(
      toPlugin: toPlugin.takeWriteEnd(),
      fromPlugin: fromPlugin.takeReadEnd(), pool: pool, shape: shape)
  }

  deinit {
    if end == nil { _ = wait(seconds: 0) }
  }

  /// Waits for the end, and brings it about after the time.
  package func wait(seconds: Double = 20) -> End {
    if let end { return end }
    let found = waitForEnd(pid, pidfd, seconds: seconds)
    end = found
    return found
  }

  /// Sends a signal.
  package func signal(_ number: Int32) { _ = clinux_pidfd_signal(pidfd.raw, number) }
}

/// Starts a program with the given descriptors.
func spawn(
  _ arguments: [String], environment: [String], descriptors: [(Int32, Int32)]
) throws(SystemCallError) -> Int32 {
  var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
  var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
  defer { for text in argv + envp { free(text) } }
  var pid: pid_t = 0
  let sources = descriptors.map(\.0)
  let targets = descriptors.map(\.1)
  try check(
    clinux_spawn(arguments[0], &argv, &envp, sources, targets, sources.count, &pid),
    .spawn, arguments[0])
  return pid
}

func waitForEnd(_ pid: Int32, _ pidfd: borrowing OwnedDescriptor, seconds: Double) -> End {
  var poller = Poller()
  poller.add(pidfd.raw, .readable)
  let ready = (try? poller.wait(seconds: seconds)) ?? 0
  if ready == 0 { _ = clinux_pidfd_signal(pidfd.raw, SIGKILL) }
  var status: Int32 = 0
  var isSignal: Int32 = 0
  if ready == 0 { _ = try? poller.wait(seconds: 5) }
  guard clinux_reap(pid, &status, &isSignal) == 1, ready > 0 else { return .timeout }
  return isSignal != 0 ? .signal(status) : .exit(status)
}

/// Runs a shell command to its end; its output goes to the test's.
package func shell(_ command: String, seconds: Double = 60) throws -> End {
  let null = try openFile("/dev/null", flags: O_RDWR)
  let pid = try spawn(
    ["/bin/sh", "-c", command], environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"],
    descriptors: [(null.raw, 0), (2, 1), (2, 2)])
  let pidfd = OwnedDescriptor(adopting: try check(clinux_pidfd_open(pid), .pidfdOpen, command))
  return waitForEnd(pid, pidfd, seconds: seconds)
}
