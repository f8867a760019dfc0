internal import JSON

extension PointInTime {
  /// Whether every job of the point in time is running, or has copied everything: what was read
  /// until now was intact.
  ///
  /// A cancelled job stops copying old data, but its overlay still shows the disk as if nothing had
  /// happened.
  package func isKept() async throws(ControlError) -> Bool {
    if method != .fleece { return try await copyProgress().isComplete }
    let jobs = try await execute("query-jobs").array ?? []
    return disks.indices.allSatisfy { number in
      let job = jobs.first { $0["id"]?.string == mark.job(number) }
      return ["running", "paused", "ready", "standby"].contains(job?["status"]?.string ?? "")
    }
  }
}
