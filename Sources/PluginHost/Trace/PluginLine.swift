package import BackupProtocol

/// A line that a plugin says about itself, for people who want to hear all of it (`--verbose`).
package struct PluginLine: Sendable {
  /// Where it was said.
  package enum Source: Sendable, Equatable {
    /// In a LOG frame.
    case log(LogFrame.Level)
    /// In an ERROR frame, as its `detail`.
    case error(ErrorCode)
    /// On channel 1 or 2: standard output and standard error.
    case output
    /// In LOG frames that were left out, this many: they came too fast.
    case leftOut(Int)
  }

  /// As the user named it; in a chain with how many increments lie above its archive.
  package let plugin: String
  package let source: Source
  /// Without control characters; empty for what was left out.
  package let text: String
}

extension PluginLine {
  /// For people: `raw: debug: opened`, and `raw | Traceback (…)` for what is no LOG.
  package var words: String {
    switch source {
    case .log(let level): "\(plugin): \(level): \(text)"
    case .error(let code): "\(plugin): \(code.name): \(text)"
    case .output: "\(plugin) | \(text)"
    case .leftOut(let count):
      "\(plugin): \(count == 1 ? "1 line" : "\(count) lines") of LOG left out, over "
        + "\(Limits.logLinesPerSecond) in a second"
    }
  }
}
