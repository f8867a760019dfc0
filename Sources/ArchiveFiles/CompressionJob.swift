import Glibc

/// A block on its way through a compressing thread.
///
/// Passed to and fro between two threads, of which one at a time may touch it: the writer's until
/// ``submit()`` and after ``await()``, the compressing one between ``take()`` and ``finish()``. The
/// two gates say whose turn it is, and order what each of them wrote: hence `@unchecked Sendable`.
@safe final class CompressionJob: @unchecked Sendable {
  let input: UnsafeMutableRawBufferPointer
  let output: UnsafeMutableRawBufferPointer
  var inputCount = 0
  /// `nil` if it could not be compressed.
  var outputCount: Int?
  /// The thread that takes it ends.
  var isLast = false
  private let submitted = Gate()
  private let finished = Gate()

  init(_ shape: CodecShape) {
    unsafe input = .allocate(byteCount: shape.inputBytes, alignment: 4096)
    unsafe output = .allocate(byteCount: shape.outputBytes, alignment: 4096)
  }

  deinit {
    unsafe input.deallocate()
    unsafe output.deallocate()
  }

  func submit() { submitted.open() }
  func take() { submitted.pass() }
  func finish() { finished.open() }
  func await() { finished.pass() }
}

/// A semaphore: passed as often as it was opened.
///
/// `@unchecked Sendable` because: sem_post(3) and sem_wait(3) are made for several threads.
@safe private final class Gate: @unchecked Sendable {
  private let semaphore: UnsafeMutablePointer<sem_t>

  init() {
    unsafe semaphore = .allocate(capacity: 1)
    unsafe sem_init(semaphore, 0, 0)
  }

  deinit {
    unsafe sem_destroy(semaphore)
    unsafe semaphore.deallocate()
  }

  func open() { unsafe sem_post(semaphore) }

  func pass() {
    // A signal may end the wait.
    while unsafe sem_wait(semaphore) != 0 {}
  }
}
