internal import BackupProtocol
package import JSON
package import Pump

/// Where events go; called from any thread, never from the data plane.
package typealias EventSink = @Sendable (JobEvent) -> Void

/// Something a person or a tool may want to hear while a command runs.
package enum JobEvent: Sendable {
  /// The plan stands: streams and their bytes.
  case planned(doing: String, streams: [String], bytes: UInt64)
  /// Something is not as it should be, and the job goes on.
  case warning(String)
  /// Work begins; counters are live until ``JobEvent/finished(_:)``.
  case started(LaneProgress)
  /// An output is lost; others may go on.
  case outputFailed(label: String, JobError)
  /// An archive has its final name.
  case published(label: String, path: String)
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

  package init(doing: String) { self.doing = doing }
}

/// One archive of a job.
package struct OutputReport: Sendable {
  package let label: String
  package let path: String
  package let storedBytes: UInt64
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
    case .outputFailed(let label, let error):
      object["event"] = "output-failed"
      object["output"] = .string(label)
      object["status"] = JSONValue(error.status.rawValue)
      object["message"] = .string(error.message)
    case .published(let label, let path):
      object["event"] = "published"
      object["output"] = .string(label)
      object["path"] = .string(path)
    case .finished(let report): report.describe(in: &object)
    }
    return .object(object)
  }
}

extension JobReport {
  fileprivate func describe(in object: inout JSONObject) {
    object["event"] = "finished"
    object["doing"] = .string(doing)
    object["seconds"] = .real(seconds)
    object["helper_cpu_seconds"] = .real(helperCPUSeconds)
    object["streams"] = .array(
      streams.map { stream in
        [
          "name": .string(stream.name), "size": JSONValue(stream.size),
          "read": JSONValue(stream.readBytes), "data": JSONValue(stream.dataBytes),
          "digest": stream.digest.json, "seconds": .real(stream.seconds),
        ]
      })
    object["outputs"] = .array(
      outputs.map { output in
        [
          "output": .string(output.label), "path": .string(output.path),
          "stored": JSONValue(output.storedBytes),
        ]
      })
  }
}
