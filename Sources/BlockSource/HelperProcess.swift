internal import CLinux
internal import Glibc
internal import System

/// How a helper process ended.
enum ProcessEnd: Equatable, Sendable {
  case exited(Int32)
  case signalled(Int32)
}

/// A program of QEMU, started with exactly the descriptors it needs and stopped with its owner.
final class HelperProcess {
  private let pid: pid_t
  private let watch: OwnedDescriptor
  private var end: ProcessEnd?

  /// - Parameters:
  ///   - descriptors: Ours, and the number under which the child finds each.
  init(
    program: String, arguments: [String], descriptors: [(source: Int32, target: Int32)]
  ) throws(SourceError) {
    pid = try Self.spawn(program, arguments, descriptors)
    let id = pid
    watch = try lifted { () throws(SystemCallError) in
      OwnedDescriptor(adopting: try check(clinux_pidfd_open(id), .pidfdOpen, program))
    }
  }

  deinit { stop() }

  private static func spawn(
    _ program: String, _ arguments: [String], _ descriptors: [(source: Int32, target: Int32)]
  ) throws(SourceError) -> pid_t {
    var strings = unsafe ([program] + arguments).map { unsafe strdup($0) }
    unsafe strings.append(nil)
    var environment = unsafe [strdup("LC_ALL=C"), nil]
    var pid: pid_t = 0
    let result = unsafe clinux_spawn(
      program, &strings, &environment, descriptors.map(\.source), descriptors.map(\.target),
      descriptors.count, &pid)
    unsafe (strings + environment).forEach { unsafe free($0) }
    if result == -ENOENT { throw .toolMissing(name: program) }
    try lifted { () throws(SystemCallError) in _ = try check(result, .spawn, program) }
    return pid
  }

  /// Polls readable when the process has ended.
  var statusDescriptor: Int32 { watch.raw }

  /// How it ended, or `nil` while it runs.
  func endIfAny() -> ProcessEnd? {
    if let end { return end }
    var status: Int32 = 0
    var isSignal: Int32 = 0
    guard unsafe clinux_reap(pid, &status, &isSignal) == 1 else { return nil }
    end = isSignal != 0 ? .signalled(status) : .exited(status)
    return end
  }

  /// Waits for its end until `deadline`; `nil` if it still runs then.
  func waitForEnd(until deadline: Instant) throws(SourceError) -> ProcessEnd? {
    var poller = Poller()
    while endIfAny() == nil {
      let left = deadline.seconds(since: .now)
      if left <= 0 { return nil }
      poller.removeAll()
      poller.add(watch.raw, .readable)
      do { _ = try poller.wait(seconds: left) } catch { throw .system(error) }
    }
    return end
  }

  /// CPU seconds and peak memory so far, or `nil` when the kernel no longer tells.
  func usage() -> (cpuSeconds: Double, peakBytes: Int)? { ProcessUsage.read(pid: pid) }

  /// Kills and reaps it; nothing happens if it has ended.
  func stop() {
    guard endIfAny() == nil else { return }
    _ = clinux_pidfd_signal(watch.raw, SIGKILL)
    _ = try? waitForEnd(until: Instant.now.advanced(bySeconds: 5))
  }
}
