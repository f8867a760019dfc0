internal import CLinux

/// The signals that ask a job to stop: SIGINT, SIGTERM, SIGHUP.
package enum JobSignals {
  /// Takes the signals for this process; call it before the first thread is started.
  ///
  /// A thread of its own waits for them, so that no code ever runs inside a signal handler.
  /// Children start with all signals at their defaults. Closed pipes become errors.
  package static func take(
    _ body: @escaping @Sendable () -> Void
  ) throws(SystemCallError) {
    clinux_ignore_sigpipe()
    clinux_block_job_signals()
    try WorkerThread(name: "sluice-signals") {
      while clinux_wait_job_signal() > 0 { body() }
    }.detach()
  }
}
