import Synchronization
internal import System

/// Threads for the cases of tests, as many as are awake.
///
/// Swift's own pool has a thread per processor. Two cases that wait for a child, blocking, would
/// hold all of it on two processors, and whoever sleeps there would wake up late.
final class CaseThreads: TaskExecutor {
  static let shared = CaseThreads()

  private struct State {
    /// The newest first: it is still warm.
    var idle: [Seat] = []
  }

  /// What an idle thread waits at.
  private final class Seat: Sendable {
    let gate = Gate()
    let job = Mutex<UnownedJob?>(nil)
  }

  private let state = Mutex(State())

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if let seat = state.withLock({ $0.idle.popLast() }) {
      seat.job.withLock { $0 = job }
      seat.gate.open()
      return
    }
    do {
      try WorkerThread(name: "test-case") { [self] in work(job) }.detach()
    } catch {
      fatalError("no thread for a test: \(error)")
    }
  }

  private func work(_ first: UnownedJob) {
    let seat = Seat()
    first.runSynchronously(on: asUnownedTaskExecutor())
    while true {
      state.withLock { $0.idle.append(seat) }
      seat.gate.pass()
      let job = seat.job.withLock { $0.take() }
      job?.runSynchronously(on: asUnownedTaskExecutor())
    }
  }
}
