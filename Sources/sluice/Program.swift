internal import Glibc
internal import JobSupport
internal import System

/// Where the process begins: what Swift's runtime needs is checked before it is needed.
///
/// Without `/proc` there are no arguments, and without threads nothing asynchronous ever runs: the
/// runtime waits for them for ever.
@main
enum Program {
  static func main() {
    raiseDescriptorLimit()
    guard (try? realPath("/proc/self/exe")) != nil else {
      end(.unavailable, "/proc is not mounted here", "mount -t proc proc /proc")
    }
    do throws(SystemCallError) { try probeThreads(threadsNeeded) } catch {
      end(
        .system, "cannot start \(threadsNeeded) threads: \(errnoText(error.code))",
        "raise the user's limit on processes (ulimit -u) or that of the cgroup (TasksMax)")
    }
    Task.detached { await Sluice.runToEnd() }
    // Others do the work, and end the process.
    while true { pause() }
  }

  /// The runtime's, as many as there are processors at most, and a job's own.
  private static var threadsNeeded: Int { 10 + runtimeThreads }

  private static func end(_ status: CommandStatus, _ error: String, _ hint: String) -> Never {
    write("sluice: \(error)", to: 2)
    write("sluice: hint: \(hint)", to: 2)
    _exit(status.rawValue)
  }
}
