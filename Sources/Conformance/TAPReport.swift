internal import System

/// Results in the Test Anything Protocol, version 14.
package enum TAPReport {
  /// What comes before the first result.
  package static func head(_ count: Int) -> [String] { ["TAP version 14", "1..\(count)"] }

  /// The lines of one result.
  package static func lines(_ result: CaseResult) -> [String] {
    let trial = result.trial
    let words = [title(trial), trial.trial.citations, trial.trial.does].joined(separator: " ")
    let line = "\(result.isBad ? "not ok" : "ok") \(trial.number) - \(escaped(words))"
    switch result.outcome {
    case .passed: return [line]
    case .skipped(let reason): return [line + " # SKIP " + escaped(sanitised(reason.utf8))]
    case .failed(let clause, let message):
      return [line] + block(clause, message, trial.trial.remedy, result.seconds)
    case .untried(let message):
      return [line] + block(nil, message, "the case could not be tried", result.seconds)
    }
  }

  /// What comes after the last result.
  package static func tail(_ summary: ConformanceSummary) -> [String] {
    summary.counts.map { "# " + $0.text }
  }

  /// "core.archive (tar, pipe)".
  static func title(_ trial: CaseTrial) -> String {
    trial.subject.isEmpty ? trial.trial.id : "\(trial.trial.id) (\(trial.subject))"
  }

  private static func block(
    _ clause: String?, _ message: String, _ remedy: String, _ seconds: Double
  ) -> [String] {
    ["  ---"] + (clause.map { ["  clause: \(quoted($0))"] } ?? [])
      + ["  message: \(quoted(message))", "  remedy: \(quoted(remedy))"]
      + ["  seconds: \(Double(Int(seconds * 1000)) / 1000)", "  ..."]
  }

  /// A text of YAML, in double quotes.
  private static func quoted(_ text: String) -> String {
    let safe = sanitised(text.utf8)
    return "\"" + safe.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  /// Without the character that begins a directive.
  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("#", with: "\\#")
  }
}

extension ConformanceCase {
  /// "[4.2-1] [4.2-3]"; a section is "§6.1".
  package var citations: String {
    clauses.map { $0.contains("-") ? "[\($0)]" : "§\($0)" }.joined(separator: " ")
  }
}
