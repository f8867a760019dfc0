internal import JSON

extension PointInTime {
  /// Maximum requests in flight of one job; QEMU's default is 64.
  private static let workersMax: Int64 = 8

  /// The progress of the copies.
  package struct CopyProgress: Equatable, Sendable {
    package let doneBytes: Int64
    /// As far as QEMU knows.
    package let totalBytes: Int64
    /// Every disk is copied; its image is complete after the take-down.
    package let isComplete: Bool
  }

  /// Makes a job copy everything, at a pace that leaves the guest its disk.
  ///
  /// An error ends the job: a paused job would block the guest's writes.
  func slow(_ job: inout JSONObject, _ bytesPerSecond: Int64, _ boundsWorkers: Bool) {
    job["sync"] = "full"
    job["speed"] = .integer(share(of: bytesPerSecond))
    job["on-source-error"] = "report"
    job["on-target-error"] = "report"
    if boundsWorkers { job["x-perf"] = ["max-workers": .integer(Self.workersMax)] }
  }

  private func share(of bytesPerSecond: Int64) -> Int64 {
    max(1 << 16, bytesPerSecond / Int64(max(1, disks.count)))
  }

  /// Sets the total speed of all jobs; those that have ended are ignored.
  package func setSpeed(_ bytesPerSecond: Int64) async throws(ControlError) {
    for number in disks.indices {
      do throws(ControlError) {
        try await execute(
          "block-job-set-speed",
          [
            "device": .string(mark.job(number)), "speed": .integer(share(of: bytesPerSecond)),
          ])
      } catch {
        guard case .qmp(.refused) = error else { throw error }
      }
    }
  }

  /// Total size of the images in bytes.
  package var spooledBytes: Int64 {
    disks.reduce(0) { $0 + $1.image.fileBytes }
  }

  /// Asks how far the copies are.
  ///
  /// - Throws: `copyFailed` if a job has ended in another way than by copying everything.
  package func copyProgress() async throws(ControlError) -> CopyProgress {
    let jobs = try await execute("query-jobs").array ?? []
    var (done, total, complete) = (Int64(0), Int64(0), 0)
    for number in disks.indices {
      let job = jobs.first { $0["id"]?.string == mark.job(number) }
      let state = CopyState(job)
      if case .failed(let words) = state {
        throw .copyFailed(disk: disks[number].name, words: words)
      }
      if state == .complete { complete += 1 }
      done += job?["current-progress"]?.integer ?? 0
      total += job?["total-progress"]?.integer ?? 0
    }
    return CopyProgress(
      doneBytes: done, totalBytes: total, isComplete: complete == disks.count)
  }
}

/// What became of one job that copies a disk (QEMU `qapi/job.json`).
enum CopyState: Equatable {
  case underWay
  case complete
  case failed(words: String)

  /// - Parameter job: Of `query-jobs`; `nil` if it is not listed.
  init(_ job: JSONValue?) {
    guard let job else {
      self = .failed(words: "the QEMU job is gone")
      return
    }
    if let error = job["error"]?.string {
      self = .failed(words: error)
      return
    }
    switch job["status"]?.string {
    case "concluded": self = .complete
    case "null", "undefined", nil: self = .failed(words: "the QEMU job has no status")
    // One that is aborting concludes with its error.
    default: self = .underWay
    }
  }
}
