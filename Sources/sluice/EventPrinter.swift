internal import Glibc
internal import JSON
internal import JobSupport
internal import Pump
internal import Synchronization
internal import System

/// Shows events to a person or a tool.
///
/// On a terminal a progress bar is drawn while data flows; elsewhere only lines are written. Events
/// come from any thread; one lock keeps lines from mixing.
final class EventPrinter: Sendable {
  private struct State {
    var origin = EventOrigin()
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
      if case .began(let job) = event { state.origin.job = job }
      if case .named(let machine) = event { state.origin.machine = machine }
      if case .started(let progress) = event {
        state.progress = progress
        if isTerminal { state.bar = ProgressBar(started: .now) }
      }
      if isJSON {
        if let json = event.json { write(event: json, from: state.origin) }
        return
      }
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
      if isJSON { write(event: error.json, from: state.origin) }
      for line in error.lines { write("sluice: \(line)", to: 2) }
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
    if isJSON { write(event: value(), from: state.withLock { $0.origin }) }
  }

  /// Draws the bar five times a second, or writes an event each second, until it is cancelled.
  func startDrawing() -> Task<Void, Never> {
    Task {
      while !Task.isCancelled {
        state.withLock { state in
          guard let progress = state.progress else { return }
          state.bar?.draw(progress, now: .now)
          if isJSON { write(event: progress.json, from: state.origin) }
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
