internal import BackupProtocol
package import JSON
package import Pump

/// Where events go; called from any thread, never from the data plane.
package typealias EventSink = @Sendable (JobEvent) -> Void

/// What happens while a command runs, for people and tools.
package enum JobEvent: Sendable {
  /// The plan is complete: streams and their bytes.
  case planned(doing: String, streams: [String], bytes: UInt64)
  /// Something is wrong, but the job continues.
  case warning(String)
  /// Work begins; counters are live until ``JobEvent/finished(_:)``.
  case started(LaneProgress)
  /// A step of a live backup.
  case guest(GuestStep)
  /// An output failed; others may continue.
  case outputFailed(label: String, JobError)
  /// An archive has its final name, or is a stream that is complete and whose receipt is saved.
  case published(label: String, path: String, receipt: String? = nil)
  case finished(JobReport)
}

/// What a command did, in numbers.
package struct JobReport: Sendable {
  package var doing: String
  package var streams: [StreamSummary] = []
  package var seconds = 0.0
  /// CPU seconds of helpers: plugins and QEMU.
  package var helperCPUSeconds = 0.0
  package var outputs: [OutputReport] = []
  /// What there was to read of each disk; empty for other commands than backups.
  package var disks: [DiskReport] = []
  /// What a live backup cost its guest.
  package var guest: GuestReport?
  /// What verified the archive that was read; `nil` if none was read, or none of its streams.
  package var proof: Proof?

  package init(doing: String) { self.doing = doing }
}

/// One disk of a backup.
package struct DiskReport: Sendable {
  package let name: String
  /// Bytes the source calls data; the rest is known to be zeros.
  package let allocatedBytes: UInt64
}

/// One archive of a job.
package struct OutputReport: Sendable {
  package let label: String
  package let path: String
  package let storedBytes: UInt64
  /// The file that holds the receipt of an archive that is a stream.
  package var receipt: String?
}

extension JobEvent {
  /// One line for tools; `--json`. Every event carries the version of its schema.
  package var json: JSONValue {
    var object: JSONObject = ["schema": 1]
    switch self {
    case .planned(let doing, let streams, let bytes):
      object["event"] = "planned"
      object["doing"] = .string(doing)
      object["streams"] = JSONValue(streams)
      object["bytes"] = JSONValue(bytes)
    case .warning(let text):
      object["event"] = "warning"
      object["message"] = .string(text)
    case .started: object["event"] = "started"
    case .guest(let step):
      object["event"] = .string(step.name)
      object["message"] = .string(step.text)
      for fact in step.facts.members { object[fact.name] = fact.value }
    case .outputFailed(let label, let error):
      object["event"] = "output-failed"
      object["output"] = .string(label)
      object["status"] = JSONValue(error.status.rawValue)
      object["message"] = .string(error.sentence)
    case .published(let label, let path, let receipt):
      object["event"] = "published"
      object["output"] = .string(label)
      object["path"] = .string(path)
      if let receipt { object["receipt"] = .string(receipt) }
    case .finished(let report): report.describe(in: &object)
    }
    return .object(object)
  }
}
