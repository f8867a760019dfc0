internal import BackupProtocol
package import JSON
internal import Pump
internal import Requests
internal import System

extension JobReport {
  /// Adds what tools read of a finished job.
  package func describe(in object: inout JSONObject) {
    object["event"] = "finished"
    object["doing"] = .string(doing)
    object["seconds"] = .real(seconds)
    object["helper_cpu_seconds"] = .real(helperCPUSeconds)
    object["streams"] = .array(streams.map { .object(describe($0)) })
    object["outputs"] = .array(
      outputs.map { output in
        [
          "output": .string(output.label), "path": .string(absoluteText(ofOutput: output.path)),
          "stored": JSONValue(output.storedBytes),
        ]
      })
    if let archive { object["archive"] = .string(absoluteText(ofOutput: archive)) }
    if let guest { object["guest"] = guest.json }
    if let proof { object["verified"] = .string(proof.word) }
    if isAlone { object["alone"] = true }
    if case .format(let plugin) = proof { object["verified_by"] = .string(plugin) }
  }

  private func describe(_ stream: StreamSummary) -> JSONObject {
    var object: JSONObject = [
      "name": .string(stream.name), "size": JSONValue(stream.size),
      "read": JSONValue(stream.readBytes), "data": JSONValue(stream.dataBytes),
      "digest": stream.digest.json, "seconds": .real(stream.seconds),
    ]
    if let disk = disks.first(where: { $0.name == stream.name }) {
      object["allocated"] = JSONValue(disk.allocatedBytes)
      object["zero"] = JSONValue(stream.size - min(stream.size, stream.dataBytes))
    }
    if let bytes = guest?.fleecedBytes[stream.name] { object["fleeced"] = JSONValue(bytes) }
    return object
  }
}

extension GuestReport {
  fileprivate var json: JSONValue {
    var object: JSONObject = [
      "instant": .string(instant), "point_in_time_ms": .real(pointInTimeMilliseconds),
      "stall_seconds": .real(stallSeconds),
      "frozen_seconds": frozenSeconds.map { .real($0) } ?? .null,
    ]
    if let vmState { object["vmstate"] = vmState.json }
    return .object(object)
  }
}

extension VMStateReport {
  fileprivate var json: JSONValue {
    [
      "way": .string(way), "bytes": JSONValue(storedBytes), "seconds": .real(seconds),
      "pause_seconds": pauseSeconds.map { .real($0) } ?? .null,
    ]
  }
}

/// The place of an output as tools get it: an absolute path, `-` or `|COMMAND`.
package func absoluteText(ofOutput text: String) -> String {
  OutputPlace(literal: text).isStream ? text : absolutePath(text)
}
