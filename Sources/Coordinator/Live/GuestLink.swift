internal import JobSupport
internal import Synchronization
internal import System

/// The two messages between the thread of the job and `OpenGuest.attend`, each sent once.
final class GuestLink: Sendable {
  private let reading: AsyncStream<Void>
  private let readingEnds: AsyncStream<Void>.Continuation
  private let judgement = Mutex<Result<Void, JobError>?>(nil)
  private let isJudged: StopSignal

  init() throws(SystemCallError) {
    (reading, readingEnds) = AsyncStream.makeStream()
    isJudged = try StopSignal()
  }

  /// The thread no longer needs the guest; may be called again.
  func endReading() { readingEnds.finish() }

  /// Waits for ``endReading()``.
  func readingEnded() async { for await _ in reading {} }

  /// Tells the thread whether what it read was the point in time.
  func judge(_ verdict: Result<Void, JobError>) {
    judgement.withLock { $0 = $0 ?? verdict }
    isJudged.request()
  }

  /// Waits for ``judge(_:)``; blocks. What judges has deadlines of its own.
  func requireSound() throws(JobError) {
    var poller = Poller()
    while true {
      if let verdict = judgement.withLock({ $0 }) { return try verdict.get() }
      poller.removeAll()
      poller.add(isJudged.descriptor, .readable)
      try attempt("wait for the check of the point in time") { () throws(SystemCallError) in
        _ = try poller.wait(seconds: 1)
      }
    }
  }
}

/// A descriptor that is handed to another thread.
final class HandedDescriptor: Sendable {
  private let descriptor: Mutex<OwnedDescriptor?>

  init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = Mutex(descriptor) }

  /// Gives it back.
  func put(_ descriptor: consuming OwnedDescriptor) {
    var given: OwnedDescriptor? = consume descriptor
    self.descriptor.withLock { $0 = given.take() }
  }

  /// `nil` while it is taken.
  func take() -> OwnedDescriptor? { descriptor.withLock { $0.take() } }
}
