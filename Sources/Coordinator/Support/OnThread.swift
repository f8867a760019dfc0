package import System

// Not in System: a plugin links that, and would get the concurrency runtime with it.

/// Runs a blocking function on a thread of its own; the caller's task is suspended meanwhile.
///
/// The thread has ended when this returns, and what only the function held is gone: a process that
/// exits behind a thread that still frees runs into the destructors of its libraries.
package func onThread<Result: Sendable>(
  named name: String, _ body: @escaping @Sendable () -> Result
) async throws(SystemCallError) -> Result {
  var thread: WorkerThread?
  let outcome: Swift.Result<Result, SystemCallError> = await withCheckedContinuation { waiting in
    do throws(SystemCallError) {
      thread = try WorkerThread(name: name) { waiting.resume(returning: .success(body())) }
    } catch {
      waiting.resume(returning: .failure(error))
    }
  }
  // Nothing but its own end is left of it: this does not block for long.
  thread?.join()
  return try outcome.get()
}

/// As ``onThread(named:_:)``, for functions with an error of their own.
package func blocking<Result: Sendable>(
  named name: String, _ body: @escaping @Sendable () throws(JobError) -> Result
) async throws(JobError) -> Result {
  let outcome: Swift.Result<Result, JobError>
  do throws(SystemCallError) {
    outcome = try await onThread(named: name) { () -> Swift.Result<Result, JobError> in
      do throws(JobError) { return .success(try body()) } catch { return .failure(error) }
    }
  } catch {
    throw JobError(error, cannot: "start a thread")
  }
  return try outcome.get()
}
