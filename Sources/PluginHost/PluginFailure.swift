package import BackupProtocol
package import Sandbox
internal import System

/// A plugin that did not do its work: what it did, and its last words.
package struct PluginFailure: Error, Sendable {
  package enum Cause: Sendable {
    /// It broke the wire.
    case violation(WireError)
    /// It broke the rules of the exchange, in words.
    case misconduct(String)
    /// It said itself why it cannot go on.
    case reported(ErrorFrame)
    /// It ended without FINISHED.
    case ended(ExitStatus)
    /// Its sandbox ended it for a system call: the full sentence.
    case denied(String)
    /// It could not be started.
    case launch(String)
    /// It owed an answer and gave none.
    case silent(awaiting: String, seconds: Double)
    /// It owes releases or FINISHED and nothing of it moves.
    case stalled(owing: String, seconds: Double)
    /// It owes one thing for longer than anything may take, whatever moves meanwhile.
    case overdue(owing: String, seconds: Double)
    /// It was told to stop.
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

extension PluginFailure: CustomStringConvertible {
  package var description: String {
    switch cause {
    case .violation(let error): "plugin \"\(plugin)\" broke the protocol: \(error)"
    case .misconduct(let what): "plugin \"\(plugin)\" \(what)"
    case .reported(let frame):
      "plugin \"\(plugin)\" \(frame.code == .corrupt ? "finds the archive damaged" : "failed")"
        + ": \(sanitised(frame.message.utf8)) (\(frame.code.name)"
        + (frame.errnoName.map { ", " + sanitised($0.utf8) } ?? "") + ")"
    case .ended(.code(let code)):
      "plugin \"\(plugin)\" exited with status \(code) before it had finished"
    case .ended(.signal(let number)):
      "plugin \"\(plugin)\" was ended by signal \(number) before it had finished"
    case .denied(let sentence): sentence
    case .launch(let reason): "plugin \"\(plugin)\" cannot be started: \(reason)"
    case .silent(let awaiting, let seconds):
      "plugin \"\(plugin)\" sent no \(awaiting) within \(Int(seconds)) s"
    case .stalled(let owing, let seconds):
      "plugin \"\(plugin)\" made no progress for \(Int(seconds)) s (--stall-limit); "
        + "it owes \(owing)"
    case .overdue(let owing, let seconds):
      "plugin \"\(plugin)\" has owed \(owing) for \(Int(seconds)) s, too long for one debt "
        + "(ten times --stall-limit, and its BUSY)"
    case .aborted: "plugin \"\(plugin)\" was stopped"
    }
  }
}
