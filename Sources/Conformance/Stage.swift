internal import BackupProtocol

/// How far a conversation is; protocol.md §5.2.
enum Stage: String, Sendable, CaseIterable {
  /// Before HELLO.
  case start
  /// After HELLO_ACK.
  case greeted
  /// After JOB_ACK.
  case ready
  /// A stream is open, the last one, and nothing of it was sent.
  case active
  /// All streams are closed.
  case closed

  /// As in "at the end of the greeting".
  var words: String {
    switch self {
    case .start: "before HELLO"
    case .greeted: "after HELLO_ACK"
    case .ready: "after JOB_ACK"
    case .active: "inside a stream"
    case .closed: "after the last CLOSE"
    }
  }
}

extension CaseHost {
  /// Leads a writer to a stage.
  func reach(_ stage: Stage) throws {
    let contents = bench.contents
    if stage == .start { return }
    try greet()
    if stage == .greeted { return }
    try start(contents)
    // Whatever comes then, the map does not speak against it.
    var style = WritingStyle()
    style.zeroKind = nil
    try sendMaps(contents, style)
    if stage == .ready { return }
    for content in contents.dropLast() { try write(content, style) }
    guard let last = contents.last else { return }
    if stage == .active {
      try send { $0.appendOpen(stream: last.stream.id) }
    } else {
      try write(last, style)
    }
  }

  /// The stream that is open at ``Stage/active``.
  var activeStream: Content { bench.contents[bench.contents.count - 1] }
}
