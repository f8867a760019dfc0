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
      throw SystemCallError(.thread, subject: name, code: code)
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
