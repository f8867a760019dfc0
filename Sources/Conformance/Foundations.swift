internal import BackupProtocol
internal import Synchronization
internal import System

/// What every other case stands on: that the plugin can be greeted, and which job its format takes.
///
/// Found out once for each bench; a case whose foundation is missing says nothing of its own, so
/// that one mistake is one failure.
final class Foundations: Sendable {
  private struct Ground: Sendable {
    /// With contents that the format takes.
    var bench: CaseBench
    /// What came of the two, if it is bad; the second is not tried without the first.
    var greeting: CaseResult.Outcome?
    var archive: CaseResult.Outcome?
  }

  /// What is known of a bench, once it is.
  private final class Place: Sendable { let ground = Mutex<Ground?>(nil) }

  private let places: [Place]
  fileprivate static let greeting = "core.hello"
  fileprivate static let archive = "core.archive"

  /// Trials that say what is wrong with a foundation which is no trial itself: the first ones.
  private let speakers: Set<Int>

  private let keeps: CaseTranscript.Contents

  init(_ benches: [CaseBench], _ trials: [CaseTrial], keeps: CaseTranscript.Contents) {
    self.keeps = keeps
    places = benches.map { _ in Place() }
    let ids = Set(trials.map(\.trial.id))
    var speakers: Set<Int> = []
    if !ids.contains(Self.greeting), let first = trials.first(where: { $0.trial.needs != .nothing })
    {
      speakers.insert(first.number)
    }
    for place in benches.indices where !ids.contains(Self.archive) {
      let first = trials.first { $0.place == place && $0.trial.needs == .archive }
      if let first { speakers.insert(first.number) }
    }
    self.speakers = speakers
  }

  /// Runs a case.
  func run(_ trial: CaseTrial) -> CaseResult {
    let started = MonotonicTime.now
    var trial = trial
    trial.bench.transcript = keeps.isEmpty ? nil : CaseTranscript(trial.trial.id, keeps)
    let outcome = outcome(trial)
    let seconds = MonotonicTime.now.seconds(since: started)
    let transcript = trial.bench.transcript.take()
    return CaseResult(trial: trial, outcome: outcome, seconds: seconds, transcript: transcript)
  }

  private func outcome(_ trial: CaseTrial) -> CaseResult.Outcome {
    let one = trial.trial
    if one.needs == .nothing { return Self.attempt(one, trial.bench) }
    let ground = ground(trial)
    if let bad = ground.greeting { return lacking(Self.greeting, bad, trial) }
    if one.needs == .archive, let bad = ground.archive { return lacking(Self.archive, bad, trial) }
    var bench = ground.bench
    bench.transcript = trial.bench.transcript
    return Self.attempt(one, bench)
  }

  private func lacking(
    _ id: String, _ bad: CaseResult.Outcome, _ trial: CaseTrial
  ) -> CaseResult.Outcome {
    switch bad {
    case .failed(let clause, let message) where speakers.contains(trial.number):
      .failed(clause: clause, "\(id), on which it stands: \(message)")
    case .untried(let reason) where speakers.contains(trial.number): .untried(reason)
    case .untried(let reason): .skipped("needs \(id): \(reason)")
    default: .skipped("needs \(id), which fails")
    }
  }

  private func ground(_ trial: CaseTrial) -> Ground {
    places[trial.place].ground.withLock { ground in
      if let ground { return ground }
      var bench = trial.bench
      bench.isFoundation = true
      var found = Self.examine(bench)
      (found.bench.isFoundation, found.bench.transcript) = (false, nil)
      ground = found
      return found
    }
  }

  private static func examine(_ bench: CaseBench) -> Ground {
    var ground = Ground(bench: bench)
    ground.greeting = fault(greeting, bench)
    guard ground.greeting == nil else { return ground }
    ground.bench = bench.suited()
    ground.archive = fault(archive, ground.bench)
    return ground
  }

  /// What came of a case, if it is bad.
  private static func fault(_ id: String, _ bench: CaseBench) -> CaseResult.Outcome? {
    guard let one = ConformanceCase.all.first(where: { $0.id == id }) else { return nil }
    let outcome = attempt(one, bench)
    switch outcome {
    case .failed, .untried: return outcome
    case .passed, .skipped: return nil
    }
  }

  static func attempt(_ one: ConformanceCase, _ bench: CaseBench) -> CaseResult.Outcome {
    let own = one.clauses.first ?? ""
    do {
      try one.run(bench)
      return .passed
    } catch let fault as Fault {
      return .failed(clause: fault.clause ?? own, fault.message)
    } catch let refusal as Refusal {
      return .failed(clause: own, refusal.message)
    } catch let skip as NotApplicable {
      return .skipped(skip.reason)
    } catch let error as WireError {
      return .failed(clause: error.rule.clause, "\(error)")
    } catch { return .untried("\(error)") }
  }
}

extension ConformanceCase {
  fileprivate enum Need { case nothing, greeting, archive }

  /// What the plugin must be able to do for the case to say anything.
  fileprivate var needs: Need {
    if id == Foundations.greeting || Self.starting.contains(where: { $0.id == id }) {
      return .nothing
    }
    let isGreeting = id == Foundations.archive || Self.greeting.contains { $0.id == id }
    return isGreeting ? .greeting : .archive
  }
}

extension CaseBench {
  /// The same with the first contents that the format takes.
  func suited() -> CaseBench {
    var bench = self
    let (config, disk) = (Content.usual[0], Content.usual[1])
    for contents in [[config, disk], [disk], [config]] {
      bench.contents = contents
      if bench.takesContents() { return bench }
    }
    bench.contents = Content.usual
    return bench
  }

  /// Whether JOB is accepted; what goes wrong otherwise is for a case to find.
  private func takesContents() -> Bool {
    do {
      let host = try startWriter()
      try host.greet()
      try host.start(contents)
    } catch let refusal as Refusal { return !refusal.isOfFormat } catch {}
    return true
  }
}
