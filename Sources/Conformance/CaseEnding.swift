package import BackupProtocol

/// The plugin is wrong: what it broke and what was seen.
package struct Fault: Error, Equatable, Sendable {
  /// The rule of protocol.md, "4.2-3"; `nil` is the one that the case is about.
  package let clause: String?
  /// One sentence.
  package let message: String

  package init(_ clause: String? = nil, _ message: String) {
    self.clause = clause
    self.message = message
  }

  /// A frame of the plugin that no host takes.
  package init(_ error: WireError) { self.init(error.rule.clause, "\(error)") }
}

/// The case says nothing about this plugin, and why.
package struct NotApplicable: Error, Equatable, Sendable {
  package let reason: String

  package init(_ reason: String) { self.reason = reason }
}

/// The plugin sent a fatal ERROR in place of what the case waits for.
struct Refusal: Error, Equatable, Sendable {
  let error: ErrorFrame
  /// What was waited for.
  let awaited: String

  /// Whether a format may say so of a job that is right: it cannot hold it.
  var isOfFormat: Bool {
    [.unsupported, .tooLarge, .badJob, .badOption].contains(error.code)
  }

  var message: String {
    "sent ERROR \(error.code.name) (\(error.message)) in place of \(awaited)"
  }
}
