internal import JSON

extension PointInTime {
  /// Whether every job that keeps the instant is at work, or has copied all of it: what was read
  /// until now was the instant.
  ///
  /// A job that somebody cancels copies nothing for the guest any more, and its overlay goes on to
  /// show the disk as if nothing had happened.
  package func isKept() async throws(ControlError) -> Bool {
    if method != .fleece { return try await copyProgress().isComplete }
    let jobs = try await execute("query-jobs").array ?? []
    return disks.indices.allSatisfy { number in
      let job = jobs.first { $0["id"]?.string == mark.job(number) }
      return ["running", "paused", "ready", "standby"].contains(job?["status"]?.string ?? "")
    }
  }
}
