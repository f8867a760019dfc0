internal import Synchronization
internal import System

/// Keeps a take-down and the steps it undoes apart: none begins after it, it begins after them.
final class StepGate: Sendable {
  private struct State {
    var isClosed = false
    var underWay = 0
    var ownsNBDServer = false
    var vmState: VMStateUndo?
  }

  private let state = Mutex(State())

  /// Whether a step may begin; it then leaves at its end.
  func enter() -> Bool {
    state.withLock { state in
      if state.isClosed { return false }
      state.underWay += 1
      return true
    }
  }

  func leave() { state.withLock { $0.underWay -= 1 } }

  /// Lets no step begin any more and waits for those under way.
  func close(until deadline: MonotonicTime) async {
    close()
    while state.withLock({ $0.underWay }) > 0 && MonotonicTime.now < deadline {
      await pause(milliseconds: 2)
    }
  }

  /// Lets no step begin any more.
  func close() { state.withLock { $0.isClosed = true } }

  var isClosed: Bool { state.withLock { $0.isClosed } }

  var ownsNBDServer: Bool { state.withLock { $0.ownsNBDServer } }
  var vmState: VMStateUndo? { state.withLock { $0.vmState } }
  func noteVMState(_ undo: VMStateUndo?) { state.withLock { $0.vmState = undo } }
  func noteNBDServer(_ isOurs: Bool) { state.withLock { $0.ownsNBDServer = isOurs } }
}
