import Synchronization

@testable import QEMUControl

/// Closes the gate of a point in time behind a step.
final class StepCounter: Sendable {
  let gate = Mutex<StepGate?>(nil)
  private let done = Mutex(0)
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  func count() {
    let isLast = done.withLock { count in
      count += 1
      return count == limit
    }
    if isLast { gate.withLock { $0?.close() } }
  }
}
