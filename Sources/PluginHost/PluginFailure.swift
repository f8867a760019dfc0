package import BackupProtocol
package import Sandbox
internal import System

/// A plugin that failed: the cause, and its last log lines.
package struct PluginFailure: Error, Sendable {
  package enum Cause: Sendable {
    /// It violated the wire format.
    case violation(WireError)
    /// It violated the protocol in another way; what it did.
    case misconduct(String)
    /// It reported an error itself.
    case reported(ErrorFrame)
    /// It exited without FINISHED.
    case ended(ExitStatus)
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
    case .misconduct(let what): "plugin \"\(plugin)\" \(what)"
    case .reported(let frame):
      "plugin \"\(plugin)\" \(frame.code == .corrupt ? "reports a corrupt archive" : "failed")"
        + ": \(sanitised(frame.message.utf8)) (\(frame.code.name)\(frame.errnoSuffix))"
    case .ended(.code(let code)):
      "plugin \"\(plugin)\" exited with status \(code) before finishing"
    case .ended(.signal(let number)):
      "plugin \"\(plugin)\" was killed by signal \(number) before finishing"
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
}
