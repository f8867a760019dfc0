internal import Glibc
internal import QEMUControl
internal import System

/// `sluice-watchdog JOBID JOURNAL`: cleans up a job when the coordinator dies.
///
/// Started by `sluice backup` with its lifeline, QEMU's socket and the agent's as descriptors 3, 4
/// and 5. Its end: 0 after a farewell or a clean take-down, 1 if something is left, 64 for others
/// who start it, 71 where it gets no threads.
@main enum Main {
  static func main() {
    // Those ask the coordinator to end, which tells us; its own end does so anyway.
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { _ = signal(number, SIG_IGN) }
    // Without threads the runtime waits for them for ever, and nothing would be watched: better no
    // watchdog than one that only looks like one.
    do throws(SystemCallError) {
      try probeThreads(runtimeThreads)
    } catch {
      say("cannot start \(runtimeThreads) threads: \(errnoText(error.code))")
      exit(71)
    }
    let hasAgent = Watchdog.hasAgent
    Task.detached { await watch(hasAgent: hasAgent) }
    while true { pause() }
  }

  private static func watch(hasAgent: Bool) async -> Never {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let mark = JobMark(id: arguments[1]) else {
      say("internal program, started by sluice backup")
      exit(64)
    }
    guard
      let (words, isClean) = await Watchdog.watch(
        mark, journal: arguments[2], hasAgent: hasAgent)
    else { exit(0) }
    say(words)
    exit(isClean ? 0 : 1)
  }

  private static func say(_ words: String) {
    let line = Array((sanitised("sluice-watchdog: \(words)".utf8) + "\n").utf8)
    // Safe because: the buffer is as long as it says; a terminal that is gone hears nothing.
    unsafe line.withUnsafeBytes { unsafe _ = write(2, $0.baseAddress, $0.count) }
  }
}
