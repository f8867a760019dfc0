package import BackupProtocol
package import Sandbox
internal import System

/// A plugin that failed: the cause, and its last log lines.
package struct PluginFailure: Error, Sendable {
  package enum Cause: Sendable {
    /// It violated the wire format.
    case violation(WireError)
    /// It violated the protocol in another way; the predicate of a sentence.
    case misconduct(Misconduct, String)
    /// It reported an error itself.
    case reported(ErrorFrame)
    /// It ended without FINISHED, or badly after it.
    case ended(ExitStatus, isFinished: Bool)
    /// The sandbox killed it because of a system call: the full sentence.
    case denied(String)
    /// It could not be started.
    case launch(String)
    /// An answer did not come in time.
    case silent(awaiting: String, seconds: Double)
    /// It owes releases or FINISHED and makes no progress.
    case stalled(owing: String, seconds: Double)
    /// It owes one answer for longer than any may take, whatever else progresses.
    case overdue(owing: String, seconds: Double)
    /// It was asked to stop.
    case aborted
  }

  /// Name of the plugin as the user wrote it.
  package let plugin: String
  package let cause: Cause
  /// What it wrote last to its log, without control characters.
  package let lastLines: [String]

  package init(plugin: String, cause: Cause, lastLines: [String] = []) {
    self.plugin = plugin
    self.cause = cause
    self.lastLines = lastLines
  }
}

extension ErrorFrame {
  /// ", ENOSPC", if there is an errno that the message does not name.
  fileprivate var errnoSuffix: String {
    guard let errnoName, !message.contains(errnoName) else { return "" }
    return ", " + sanitised(errnoName.utf8)
  }
}

extension PluginFailure: CustomStringConvertible {
  package var description: String {
    switch cause {
    case .violation(let error): "plugin \"\(plugin)\" violated the protocol: \(error)"
    case .misconduct(_, let what): "plugin \"\(plugin)\" \(what)"
    case .reported(let frame):
      "plugin \"\(plugin)\" \(frame.code == .corrupt ? "reports a corrupt archive" : "failed")"
        + ": \(sanitised(frame.message.utf8)) (\(frame.code.name)\(frame.errnoSuffix))"
    case .ended(.code(let code), let isFinished):
      "plugin \"\(plugin)\" exited with status \(code) \(Self.moment(isFinished))"
    case .ended(.signal(let number), let isFinished):
      "plugin \"\(plugin)\" was killed by signal \(number) \(Self.moment(isFinished))"
    case .denied(let sentence): sentence
    case .launch(let reason): "plugin \"\(plugin)\" could not be started: \(reason)"
    case .silent(let awaiting, let seconds):
      "plugin \"\(plugin)\" sent no \(awaiting) within \(Int(seconds)) s"
    case .stalled(let owing, let seconds):
      "plugin \"\(plugin)\" made no progress for \(Int(seconds)) s (--stall-limit) "
        + "while the host waited for \(owing)"
    case .overdue(let owing, let seconds):
      "plugin \"\(plugin)\" timed out: the host waited for \(owing) for \(Int(seconds)) s "
        + "(ten times --stall-limit plus its BUSY time)"
    case .aborted: "plugin \"\(plugin)\" was stopped"
    }
  }

  private static func moment(_ isFinished: Bool) -> String {
    isFinished ? "after FINISHED" : "before finishing"
  }
}

extension PluginFailure {
  /// What of the protocol it broke; `nil` if it reported an error itself, or did not run.
  package var rule: ProtocolRule? {
    switch cause {
    case .violation(let error): error.rule
    case .misconduct(let kind, _): kind.rule
    case .ended: Misconduct.ending.rule
    case .denied: Misconduct.deniedCall.rule
    case .silent: Misconduct.silence.rule
    case .stalled: Misconduct.standstill.rule
    case .overdue: Misconduct.overdue.rule
    case .reported, .launch, .aborted: nil
    }
  }
}
