package import BackupProtocol
package import System

/// Tells line by line what a plugin says about itself: LOG frames, the detail of its errors, and
/// text on channels 1 and 2. Bounded by protocol.md §16.
package struct SessionVoice {
  /// Bytes of a line of text at most: a longer one is told in pieces.
  private static let lineBytesMax = Int(Limits.logBytesMax)

  private let plugin: String
  private let tell: @Sendable (PluginLine) -> Void
  /// The second that is counted, and what came in it.
  private var second = MonotonicTime.now
  private var count = 0
  /// A line whose end has not come.
  private var rest: [UInt8] = []

  package init(_ plugin: String, _ tell: @escaping @Sendable (PluginLine) -> Void) {
    self.plugin = plugin
    self.tell = tell
  }

  /// Counts a LOG frame.
  ///
  /// - Returns: Whether it may be shown: those of one second that are too many are not.
  package mutating func admits(_ now: MonotonicTime) -> Bool {
    if now.seconds(since: second) >= 1 {
      tellLeftOut()
      (second, count) = (now, 0)
    }
    count += 1
    return count <= Limits.logLinesPerSecond
  }

  /// A LOG frame that may be shown.
  package func say(_ frame: LogFrame) { say(.log(frame.level), frame.text) }

  /// An ERROR frame; what it says beside its message, in one line each.
  package func say(_ frame: ErrorFrame) {
    for line in sanitisedLines((frame.detail ?? "").utf8) { say(.error(frame.code), line) }
  }

  /// Text of channel 1 or 2, however it is cut.
  package mutating func say(_ bytes: ArraySlice<UInt8>) {
    var bytes = bytes
    while let end = bytes.firstIndex(of: 0x0A) {
      add(bytes[..<end])
      endLine()
      bytes = bytes[(end + 1)...]
    }
    add(bytes)
  }

  /// Nothing more is said.
  package mutating func end() {
    endLine()
    tellLeftOut()
    count = 0
  }

  private mutating func add(_ bytes: ArraySlice<UInt8>) {
    var bytes = bytes
    while rest.count + bytes.count > Self.lineBytesMax {
      let piece = bytes.prefix(Self.lineBytesMax - rest.count)
      rest += piece
      bytes = bytes.dropFirst(piece.count)
      endLine()
    }
    rest += bytes
  }

  private mutating func endLine() {
    if !rest.isEmpty { say(.output, String(decoding: rest, as: UTF8.self)) }
    rest.removeAll(keepingCapacity: true)
  }

  private func tellLeftOut() {
    let most = Limits.logLinesPerSecond
    if count > most { say(.leftOut(count - most), "") }
  }

  private func say(_ source: PluginLine.Source, _ text: String) {
    let text = sanitised(text.utf8)
    if source == .output && text.isEmpty { return }
    tell(PluginLine(plugin: plugin, source: source, text: text))
  }
}
