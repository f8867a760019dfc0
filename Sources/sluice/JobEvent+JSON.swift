internal import BackupProtocol
internal import JSON
internal import JobSupport
internal import PluginHost
internal import Pump
internal import System

extension JobEvent {
  /// One line for tools; `--json`. Every event carries the version of its schema.
  var json: JSONValue? {
    var object: JSONObject = ["schema": 1]
    switch self {
    case .began, .named: return nil
    case .planned(let doing, let streams, let bytes):
      object["event"] = "planned"
      object["doing"] = .string(doing)
      object["streams"] = JSONValue(streams)
      object["bytes"] = JSONValue(bytes)
    case .captured(let disk, let method, let reason, let bytes):
      object["event"] = "captured"
      object["disk"] = .string(disk)
      object["method"] = .string(method.rawValue)
      object["reason"] = .string(reason)
      object["bytes"] = JSONValue(bytes)
    case .warning(let text, let remedy):
      object["event"] = "warning"
      object["message"] = .string(Self.warning(text, remedy))
    case .said(let line): line.describe(in: &object)
    case .started: object["event"] = "started"
    case .guest(let step):
      object["event"] = .string(step.name)
      object["message"] = .string(step.text)
      for fact in step.facts.members { object[fact.name] = fact.value }
    case .outputFailed(let label, let error):
      object["event"] = "output-failed"
      object["output"] = .string(label)
      object["status"] = JSONValue(error.status.rawValue)
      object["message"] = .string(error.sentence(error.cause))
      error.describeProtocol(in: &object)
    case .published(let label, let path, let storedBytes, let receipt):
      object["event"] = "published"
      object["output"] = .string(label)
      object["path"] = .string(absoluteText(ofOutput: path))
      if let storedBytes { object["stored"] = JSONValue(storedBytes) }
      if let receipt { object["receipt"] = .string(absolutePath(receipt)) }
    case .damaged(let stream, let piece, let reason):
      object["event"] = "damaged"
      object["stream"] = .string(stream)
      if let piece {
        object["offset"] = JSONValue(piece.offset)
        object["length"] = JSONValue(piece.length)
      }
      object["reason"] = .string(reason)
    case .incomplete(let label, let path):
      object["event"] = "incomplete"
      object["output"] = .string(label)
      object["path"] = .string(absoluteText(ofOutput: path))
    case .finished(let report): report.describe(in: &object)
    }
    return .object(object)
  }
}

extension PluginLine {
  /// Adds what tools read of it.
  func describe(in object: inout JSONObject) {
    object["event"] = "plugin-said"
    object["plugin"] = .string(plugin)
    switch source {
    case .log(let level):
      object["channel"] = "log"
      object["level"] = .string("\(level)")
    case .error(let code):
      object["channel"] = "error"
      object["code"] = .string(code.name)
    case .output: object["channel"] = "output"
    case .leftOut(let count):
      object["channel"] = "log"
      object["left_out"] = JSONValue(count)
      return
    }
    object["message"] = .string(text)
  }
}
