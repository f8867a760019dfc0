internal import Glibc
internal import QEMUControl
internal import System

/// `sluice-watchdog JOBID JOURNAL`: cleans up a job when the coordinator dies.
///
/// Started by `sluice backup` with its lifeline, QEMU's socket and the agent's as descriptors 3, 4
/// and 5. Its end: 0 after a farewell or a clean take-down, 1 if something is left, 64 for others
/// who start it.
@main enum Main {
  static func main() async {
    // Those ask the coordinator to end, which tells us; its own end does so anyway.
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { _ = signal(number, SIG_IGN) }
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let mark = JobMark(id: arguments[1]) else {
      say("internal program, started by sluice backup")
      exit(64)
    }
    guard let (words, isClean) = await Watchdog.watch(mark, journal: arguments[2]) else { exit(0) }
    say(words)
    exit(isClean ? 0 : 1)
  }

  private static func say(_ words: String) {
    let line = Array("sluice-watchdog: \(words)\n".utf8)
    // Safe because: the buffer is as long as it says; a terminal that is gone hears nothing.
    unsafe line.withUnsafeBytes { unsafe _ = write(2, $0.baseAddress, $0.count) }
  }
}
