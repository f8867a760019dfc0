internal import CLinux

/// The signals that ask a job to stop: SIGINT, SIGTERM, SIGHUP.
package enum JobSignals {
  /// Takes the signals for this process; to be called once.
  ///
  /// The handler does no more than pass the number through a pipe to a thread that waits there:
  /// blocking them instead would have to happen in the main thread, before Swift has started any.
  /// Children start with all signals at their defaults. Closed pipes become errors.
  package static func take(
    _ body: @escaping @Sendable () -> Void
  ) throws(SystemCallError) {
    clinux_ignore_sigpipe()
    try check(clinux_take_job_signals(), .signals, "SIGINT, SIGTERM and SIGHUP")
    try WorkerThread(name: "sluice-signals") {
      while clinux_wait_job_signal() > 0 { body() }
    }.detach()
  }
}
