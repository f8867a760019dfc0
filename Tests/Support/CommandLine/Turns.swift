internal import System
package import Testing

/// When a case may run, and where: on a thread of its own, not in Swift's pool.
///
/// A suite without such a trait computes, and little: its tests run at once. One that starts
/// processes, waits or works for seconds has one of them; a test's own goes before its suite's.
package final class Turns: SuiteTrait, TestTrait, TestScoping {
  let need: TurnDesk.Need

  init(_ need: TurnDesk.Need) { self.need = need }

  package var isRecursive: Bool { true }

  package func scopeProvider(for test: Test, testCase: Test.Case?) -> Turns? {
    guard testCase != nil else { return nil }
    let all = test.traits.compactMap { $0 as? Turns }
    return all.max { $0.need.rawValue < $1.need.rawValue } === self ? self : nil
  }

  @concurrent package func provideScope(
    for test: Test, testCase: Test.Case?,
    performing function: @concurrent @Sendable () async throws -> Void
  ) async throws {
    // Until all others are there: whoever came first would be alone too soon.
    if need == .machine { try await Task.sleep(for: .seconds(1)) }
    await TurnDesk.shared.take(need)
    let started = MonotonicTime.now
    let result: Result<Void, any Error>
    do {
      try await withTaskExecutorPreference(CaseThreads.shared) { try await function() }
      result = .success(())
    } catch {
      result = .failure(error)
    }
    TestTimes.add(MonotonicTime.now.seconds(since: started), test)
    await TurnDesk.shared.giveBack(need)
    try result.get()
  }
}

extension Trait where Self == Turns {
  /// Beside a few others: it starts processes, or keeps a processor busy for seconds.
  package static var inTurns: Turns { Turns(.place) }

  /// The same, with a guest in a QEMU without KVM: two of them at a time.
  package static var withGuest: Turns { Turns(.guest) }

  /// Beside nothing, behind all others: it measures seconds, or looks at the whole machine.
  package static var alone: Turns { Turns(.machine) }
}
