internal import BackupProtocol
package import PluginHost
package import Sandbox
internal import Synchronization
package import System

/// All that one plugin is tried with, and how.
package struct ConformanceCheck: Sendable {
  package let plugin: InstalledPlugin
  private let launcher: String
  private let sandbox: SandboxMode?
  private let directory: String
  private let levels: Set<ConformanceLevel>
  private let ids: Set<String>
  private let keeps: CaseTranscript.Contents
  private let patience = Patience()
  /// Cases that run at once; most of them wait.
  private static let threadCount = 4

  /// - Parameters:
  ///   - sandbox: `nil` runs the plugin without one.
  ///   - directory: Where archives go meanwhile.
  ///   - levels: Those to be tried; all if empty.
  ///   - ids: Cases to be tried; all if empty.
  ///   - keeps: What of each session the results tell.
  package init(
    _ plugin: InstalledPlugin, launcher: String, sandbox: SandboxMode?, directory: String,
    levels: Set<ConformanceLevel> = [], ids: Set<String> = [],
    keeps: CaseTranscript.Contents = []
  ) {
    self.plugin = plugin
    self.launcher = launcher
    self.sandbox = sandbox
    self.directory = directory
    self.levels = levels
    self.ids = ids
    self.keeps = keeps
  }

  /// The cases with what each is tried on, in order.
  package var trials: [CaseTrial] {
    var trials: [CaseTrial] = []
    for one in ConformanceCase.all where isWanted(one) {
      for (place, bench) in benches.enumerated() {
        switch one.scope {
        case .plugin where place > 0: continue
        case .format where bench.output != bench.format.outputs.first: continue
        default: break
        }
        trials.append(CaseTrial(number: trials.count + 1, trial: one, bench: bench, place: place))
      }
    }
    return trials
  }

  private func isWanted(_ one: ConformanceCase) -> Bool {
    (levels.isEmpty || levels.contains(one.level)) && (ids.isEmpty || ids.contains(one.id))
  }

  /// Each kind of output of each format.
  private var benches: [CaseBench] {
    let identity = PluginUser(launcher: launcher).identity()
    return plugin.manifest.formats.flatMap { format in
      format.outputs.map { output in
        CaseBench(
          plugin: plugin, format: format, output: output, launcher: launcher, sandbox: sandbox,
          identity: sandbox == nil ? .callers : identity, directory: directory,
          patience: patience)
      }
    }
  }

  /// Whether archives can be made where they are to go.
  package static func checkDirectory(_ directory: String) throws(SystemCallError) {
    _ = try CaseRoom(in: directory)
  }

  /// Tries everything.
  ///
  /// - Parameters:
  ///   - stop: Ends it before the next case.
  ///   - tell: Hears of each case, in order, from any thread.
  /// - Throws: `SystemCallError` if there are no threads.
  package func run(
    stop: StopSignal? = nil, _ tell: @escaping @Sendable (CaseResult) -> Void
  ) throws(SystemCallError) -> [CaseResult] {
    let trials = trials
    patience.watch(stop)
    if sandbox == nil { Orphans.adopt() }
    defer { if sandbox == nil { Orphans.end() } }
    let board = TrialBoard(trials, tell)
    let foundations = Foundations(benches, trials, keeps: keeps)
    var threads: [WorkerThread] = []
    for _ in 0..<min(Self.threadCount, max(1, trials.count)) {
      threads.append(
        try WorkerThread(name: "sluice-check") {
          while stop?.isRequested != true, let trial = board.next() {
            let result = foundations.run(trial)
            if stop?.isRequested != true { board.finish(trial, result) }
          }
        })
    }
    for thread in threads { thread.join() }
    return board.results
  }
}

/// A case, and what it is tried on.
package struct CaseTrial: Sendable {
  /// From 1, in the order of the report.
  package let number: Int
  package let trial: ConformanceCase
  var bench: CaseBench
  /// Which bench it is.
  let place: Int

  /// The format and the kind of output that it is about; empty if it is the plugin.
  package var subject: String {
    switch trial.scope {
    case .plugin: ""
    case .format: bench.format.name
    case .output: "\(bench.format.name), \(bench.output.rawValue)"
    }
  }
}

/// What came of a trial.
package struct CaseResult: Sendable {
  package enum Outcome: Sendable, Equatable {
    case passed
    /// The rule that was broken, and how.
    case failed(clause: String, String)
    /// Why it says nothing about this plugin.
    case skipped(String)
    /// Why it could not be tried, which is no fault of the plugin.
    case untried(String)
  }

  package let trial: CaseTrial
  package let outcome: Outcome
  package let seconds: Double
  /// What was said, until the result has been told.
  package internal(set) var transcript: CaseTranscript?

  /// Whether the plugin has not passed.
  package var isBad: Bool {
    switch outcome {
    case .failed, .untried: true
    case .passed, .skipped: false
    }
  }
}

/// Hands trials out, and results in the order of the trials.
private final class TrialBoard: Sendable {
  private struct State {
    var next = 0
    var told = 0
    var results: [CaseResult?]
  }

  private let trials: [CaseTrial]
  private let tell: @Sendable (CaseResult) -> Void
  private let state: Mutex<State>

  init(_ trials: [CaseTrial], _ tell: @escaping @Sendable (CaseResult) -> Void) {
    self.trials = trials
    self.tell = tell
    state = Mutex(State(results: [CaseResult?](repeating: nil, count: trials.count)))
  }

  func next() -> CaseTrial? {
    state.withLock { state in
      guard state.next < trials.count else { return nil }
      state.next += 1
      return trials[state.next - 1]
    }
  }

  func finish(_ trial: CaseTrial, _ result: CaseResult) {
    state.withLock { state in
      state.results[trial.number - 1] = result
      while state.told < trials.count, let ready = state.results[state.told] {
        tell(ready)
        state.results[state.told]?.transcript = nil
        state.told += 1
      }
    }
  }

  var results: [CaseResult] { state.withLock { $0.results.compactMap { $0 } } }
}
