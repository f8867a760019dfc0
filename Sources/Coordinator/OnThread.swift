package import System

// Not in System: a plugin links that, and would get the concurrency runtime with it.

/// Runs a blocking function on a thread of its own; the caller's task is suspended meanwhile.
package func onThread<Result: Sendable>(
  named name: String, _ body: @escaping @Sendable () -> Result
) async throws(SystemCallError) -> Result {
  let outcome: Swift.Result<Result, SystemCallError> = await withCheckedContinuation { waiting in
    do throws(SystemCallError) {
      try WorkerThread(name: name) { waiting.resume(returning: .success(body())) }.detach()
    } catch {
      waiting.resume(returning: .failure(error))
    }
  }
  return try outcome.get()
}
