package import JobSupport

/// How the transfer of a job ended.
package struct JobOutcome: Sendable {
  /// What was done; its outputs are the archives that were published, also where others failed.
  package var report: JobReport
  /// `nil` if every archive was published.
  package let failure: JobError?

  init(report: JobReport, failure: JobError?) {
    self.report = report
    self.failure = failure
  }

  /// A job that ended before anything was published.
  init(doing: String, _ failure: JobError) {
    self.init(report: JobReport(doing: doing), failure: failure)
  }

  /// The report, if every archive was published.
  package func get() throws(JobError) -> JobReport {
    if let failure { throw failure }
    return report
  }
}
