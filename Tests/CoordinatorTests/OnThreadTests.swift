import Glibc
import JobSupport
import Synchronization
import Testing

private let hasEnded = Atomic(false)

@Suite struct `A thread of its own` {
  @Test func `has ended when its function's result is there`() async throws {
    var key = pthread_key_t()
    // Called by the thread at its very end.
    let status = pthread_key_create(&key) { _ in
      usleep(50_000)
      hasEnded.store(true, ordering: .releasing)
    }
    try #require(status == 0)
    let made = key
    let number = try await onThread(named: "test") {
      pthread_setspecific(made, UnsafeRawPointer(bitPattern: 1))
      return 7
    }
    #expect(number == 7 && hasEnded.load(ordering: .acquiring))
    pthread_key_delete(key)
  }
}
