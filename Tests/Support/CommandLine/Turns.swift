package import Testing

/// Runs a few cases of a suite at a time, over all suites that have this trait.
///
/// Plugins have deadlines in real time, and a test that sends a signal must be awake when it is
/// time: hundreds of cases at once would starve both.
package struct Turns: SuiteTrait, TestTrait, TestScoping {
  package var isRecursive: Bool { true }

  package func scopeProvider(for test: Test, testCase: Test.Case?) -> Turns? {
    testCase == nil ? nil : self
  }

  @concurrent package func provideScope(
    for test: Test, testCase: Test.Case?,
    performing function: @concurrent @Sendable () async throws -> Void
  ) async throws {
    try await Desk.shared.take()
    do {
      try await function()
      await Desk.shared.giveBack()
    } catch {
      await Desk.shared.giveBack()
      throw error
    }
  }
}

extension Trait where Self == Turns {
  /// A few cases at a time.
  package static var inTurns: Turns { Turns() }
}

private actor Desk {
  static let shared = Desk()
  private var left = 4

  func take() async throws {
    while left == 0 { try await Task.sleep(for: .milliseconds(20)) }
    left -= 1
  }

  func giveBack() { left += 1 }
}
