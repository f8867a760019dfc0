internal import Glibc

/// A semaphore: passed as often as it was opened.
///
/// What one thread wrote before ``open()`` another sees after ``pass()``.
///
/// `@unchecked Sendable` because: sem_post(3) and sem_wait(3) are made for several threads.
@safe package final class Gate: @unchecked Sendable {
  private let semaphore: UnsafeMutablePointer<sem_t>

  package init() {
    unsafe semaphore = .allocate(capacity: 1)
    unsafe sem_init(semaphore, 0, 0)
  }

  deinit {
    unsafe sem_destroy(semaphore)
    unsafe semaphore.deallocate()
  }

  package func open() { unsafe sem_post(semaphore) }

  /// Waits until it is open.
  package func pass() {
    // A signal may end the wait.
    while unsafe sem_wait(semaphore) != 0 {}
  }
}
