internal import System

/// Results as JUnit's XML, a suite for each level.
package enum JUnitReport {
  /// The whole document.
  package static func lines(_ results: [CaseResult], plugin: String) -> [String] {
    var lines = [
      #"<?xml version="1.0" encoding="UTF-8"?>"#, "<testsuites name=\"\(escaped(plugin))\">",
    ]
    for count in ConformanceSummary(results).counts {
      let own = results.filter { $0.trial.trial.level == count.level }
      lines.append(
        "  <testsuite name=\"\(count.level.rawValue)\" tests=\"\(own.count)\" "
          + "failures=\"\(count.failed + count.untried)\" skipped=\"\(count.skipped)\">")
      for result in own { lines += self.lines(result) }
      lines.append("  </testsuite>")
    }
    return lines + ["</testsuites>"]
  }

  private static func lines(_ result: CaseResult) -> [String] {
    let trial = result.trial
    let head =
      "    <testcase classname=\"\(trial.trial.level.rawValue)\" "
      + "name=\"\(escaped(TAPReport.title(trial)))\" "
      + "time=\"\(Double(Int(result.seconds * 1000)) / 1000)\""
    switch result.outcome {
    case .passed: return [head + "/>"]
    case .skipped(let reason):
      return [head + ">", "      <skipped message=\"\(escaped(reason))\"/>", "    </testcase>"]
    case .failed(let clause, let message):
      return failure(head, type: clause, message, trial.trial.remedy)
    case .untried(let message): return failure(head, type: "untried", message, "")
    }
  }

  private static func failure(
    _ head: String, type: String, _ message: String, _ remedy: String
  ) -> [String] {
    [
      head + ">",
      "      <failure type=\"\(escaped(type))\" message=\"\(escaped(message))\">"
        + "\(escaped(remedy))</failure>",
      "    </testcase>",
    ]
  }

  /// A text as an attribute or between tags.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in sanitised(text.utf8) {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }
}
