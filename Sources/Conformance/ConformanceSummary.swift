/// How many cases of each level passed.
package struct ConformanceSummary: Sendable {
  /// The count of one level.
  package struct Count: Sendable {
    package let level: ConformanceLevel
    package fileprivate(set) var passed = 0
    package fileprivate(set) var failed = 0
    package fileprivate(set) var skipped = 0
    package fileprivate(set) var untried = 0

    /// "Core: 92 passed, 0 failed, 3 not applicable".
    package var text: String {
      "\(level.title): \(passed) passed, \(failed) failed, \(skipped) not applicable"
        + (untried > 0 ? ", \(untried) not tried" : "")
    }
  }

  package let counts: [Count]

  package init(_ results: [CaseResult]) {
    counts = ConformanceLevel.allCases.compactMap { level in
      var count = Count(level: level)
      for result in results where result.trial.trial.level == level {
        switch result.outcome {
        case .passed: count.passed += 1
        case .failed: count.failed += 1
        case .untried: count.untried += 1
        case .skipped: count.skipped += 1
        }
      }
      return count.passed + count.failed + count.skipped + count.untried > 0 ? count : nil
    }
  }

  package var failed: Int { counts.reduce(0) { $0 + $1.failed } }
  package var untried: Int { counts.reduce(0) { $0 + $1.untried } }
  package var passed: Int { counts.reduce(0) { $0 + $1.passed } }
}
