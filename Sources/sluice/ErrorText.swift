internal import JobSupport
internal import JSON
internal import BackupProtocol
internal import Requests

extension JobError {
  /// The cause, without what failed.
  var cause: String {
    let words = request?.words ?? message
    guard let remedy, remedy.endsSentence else { return words }
    return "\(words); \(remedy.words)"
  }

  /// What to do about it, where the cause does not say it.
  private var hint: String? {
    guard let remedy, !remedy.endsSentence else { return nil }
    return remedy.words
  }

  /// The lines for standard error, without the program's name.
  var lines: [String] {
    let hints = hint.map { ["hint: \($0)"] } ?? []
    let lines = [sentence(cause)] + lastLines.map { "  | \($0)" } + hints
    return lines.flatMap { $0.split(separator: "\n").map(String.init) }
  }

  /// The failure for tools.
  var json: JSONValue {
    var object: JSONObject = [
      "schema": 1, "event": "failed", "status": JSONValue(status.rawValue),
      "doing": .string(action), "message": .string(cause),
      "log": JSONValue(lastLines),
    ]
    if let hint { object["hint"] = .string(hint) }
    describeProtocol(in: &object)
    return .object(object)
  }

  /// What of the protocol is concerned, if a plugin broke it or reported an error.
  func describeProtocol(in object: inout JSONObject) {
    if let rule { object["clause"] = .string(rule.clause) }
    if let code { object["code"] = .string(code.name) }
  }
}
