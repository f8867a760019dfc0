internal import Glibc

/// A state that threads change, and that others wait for.
///
/// `@unchecked Sendable` because: the state is touched under the lock only.
@safe package final class WaitableState<State>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  package init(_ state: sending State) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(changed, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(changed)
    unsafe pthread_mutex_destroy(mutex)
    unsafe changed.deallocate()
    unsafe mutex.deallocate()
  }

  /// Changes the state, and wakes whoever waits for a change.
  package func update<Result>(_ body: (inout State) -> Result) -> Result {
    let result = locked(body)
    unsafe pthread_cond_broadcast(changed)
    return result
  }

  /// Changes the state, and wakes whoever waits for a change only if `body` says that somebody can
  /// wait for this one.
  package func change(_ body: (inout State) -> Bool) {
    if locked(body) { unsafe pthread_cond_broadcast(changed) }
  }

  /// Looks at the state.
  package func read<Result>(_ body: (State) -> Result) -> Result { locked { body($0) } }

  private func locked<Result>(_ body: (inout State) -> Result) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return body(&state)
  }

  /// Waits until `body` finds what it looks for; it is asked after every change.
  package func wait<Result>(for body: (State) -> Result?) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(state) { return result }
      unsafe pthread_cond_wait(changed, mutex)
    }
  }
}
