internal import CLinux
internal import Glibc

/// A plain thread that runs one function and is joined.
@safe package struct WorkerThread: Sendable {
  private let thread: pthread_t

  /// Starts a thread.
  ///
  /// - Parameter name: Shown by debuggers; 15 bytes at most.
  /// - Throws: `EAGAIN` if the system gives no thread.
  package init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemCallError) {
    let start = unsafe Unmanaged.passRetained(
      Start {
        unsafe clinux_name_thread(name)
        body()
      })
    var thread = pthread_t()
    let code = unsafe pthread_create(
      &thread, nil,
      { argument in
        // Safe because: the pointer is the retained Start that the creator passed, once.
        if let argument = unsafe argument {
          unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
        }
        return nil
      }, unsafe start.toOpaque())
    guard code == 0 else {
      unsafe start.release()
      throw SystemCallError(.thread, subject: "thread \(name)", code: code)
    }
    self.thread = thread
  }

  /// Waits until the function has returned.
  package func join() { _ = pthread_join(thread, nil) }

  /// Never joined: its resources go with its end.
  package func detach() { _ = pthread_detach(thread) }

  private final class Start: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}

/// The most threads that Swift's runtime starts for tasks: one per processor, and no more than
/// matter to a program that mostly waits.
package var runtimeThreads: Int { max(1, min(8, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

/// Whether the system lets the process have so many threads at once; they are gone afterwards.
///
/// - Throws: `EAGAIN` if it does not.
package func probeThreads(_ count: Int) throws(SystemCallError) {
  let gate = Gate()
  var threads: [WorkerThread] = []
  defer {
    for _ in threads { gate.open() }
    for thread in threads { thread.join() }
  }
  for _ in 0..<count { threads.append(try WorkerThread(name: "sluice-probe") { gate.pass() }) }
}
