internal import System

/// What is said between a host and a plugin, one line: a frame, or something about the process.
package struct TraceLine: Sendable {
  let time: MonotonicTime
  let plugin: String
  /// `->` from the host to the plugin, `<-` the other way, `--` about the process.
  let arrow: String
  package let words: String
}

/// Who gets the lines of a trace.
package protocol TraceTaker: Sendable {
  /// Takes a line; called from any thread.
  func take(_ line: TraceLine)
}
