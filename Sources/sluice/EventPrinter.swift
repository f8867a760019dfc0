internal import Coordinator
internal import Glibc
internal import JSON
internal import Pump
internal import Synchronization
internal import System

/// Shows events to a person or a tool.
///
/// On a terminal a progress bar is drawn while data flows; elsewhere only lines are written. Events
/// come from any thread; one lock keeps lines from mixing.
final class EventPrinter: Sendable {
  private struct State {
    var progress: LaneProgress?
    var bar: ProgressBar?
  }

  private let isQuiet: Bool
  private let isJSON: Bool
  private let isTerminal: Bool
  /// Where lines for people go: 2 when standard output holds an archive.
  private let output: Int32
  private let state = Mutex(State())

  /// - Parameter isOutputTaken: Whether an archive goes to standard output.
  init(_ options: CommonOptions, isOutputTaken: Bool = false) {
    output = isOutputTaken ? 2 : 1
    isQuiet = options.quiet
    isJSON = options.json
    isTerminal = !options.json && !options.quiet && isatty(2) == 1
  }

  /// Shows one event.
  func show(_ event: JobEvent) {
    state.withLock { state in
      if case .started(let progress) = event {
        state.progress = progress
        if isTerminal { state.bar = ProgressBar(started: .now) }
      }
      if isJSON { return write(event.json) }
      guard let line = event.line(isQuiet: isQuiet) else { return }
      state.bar?.clear()
      write(line.text, to: line.isError ? 2 : output)
    }
  }

  /// Shows why a command failed.
  func fail(_ error: JobError) {
    state.withLock { state in
      state.bar?.clear()
      state.bar = nil
      if isJSON { write(error.json) }
      for line in error.description.split(separator: "\n") { write("sluice: \(line)", to: 2) }
    }
  }

  /// Prints one line on standard output, unless the user wants silence or JSON. A line feed in
  /// what a peer has named does not begin another.
  func say(_ text: String, evenIfQuiet isImportant: Bool = false) {
    if (!isQuiet || isImportant) && !isJSON {
      write(sanitised(text.utf8), to: output)
    }
  }

  /// Prints a line of JSON on standard output, if the user wants that.
  func say(_ value: @autoclosure () -> JSONValue) {
    if isJSON { write(value()) }
  }

  /// Draws the bar five times a second, or writes an event each second, until it is cancelled.
  func startDrawing() -> Task<Void, Never> {
    Task {
      while !Task.isCancelled {
        state.withLock { state in
          guard let progress = state.progress else { return }
          state.bar?.draw(progress, now: .now)
          if isJSON { write(progress.json) }
        }
        try? await Task.sleep(for: .milliseconds(isJSON ? 1000 : 200))
      }
    }
  }

  /// Stops drawing and clears the bar.
  func stopDrawing(_ task: Task<Void, Never>) async {
    task.cancel()
    await task.value
    state.withLock { state in
      state.bar?.clear()
      state.bar = nil
    }
  }
}

/// Writes lines for people, without control characters: they quote what peers say. A reader that is
/// gone does not stop a backup.
func write(_ lines: String, to descriptor: Int32) {
  for line in lines.split(separator: "\n", omittingEmptySubsequences: false) {
    writeWhole(sanitised(line.utf8), to: descriptor)
  }
}

/// Writes a line for tools. JSON escapes control characters itself.
private func write(_ value: JSONValue) { writeWhole(value.text, to: 1) }

private func writeWhole(_ line: String, to descriptor: Int32) {
  var text = line + "\n"
  text.withUTF8 { unsafe _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
}
