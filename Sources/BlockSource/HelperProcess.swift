internal import Glibc
internal import Sandbox
internal import System

/// How a helper process ended.
enum ProcessEnd: Equatable, Sendable {
  case exited(Int32)
  case signalled(Int32)
  /// It never started, or its sandbox stopped it: for people.
  case stopped(String)
}

/// A program of QEMU in its sandbox, stopped with its owner; used by one thread.
final class HelperProcess {
  private let process: SandboxedProcess
  private let name: String
  private var end: ProcessEnd?
  private(set) var usage: (cpuSeconds: Double, peakBytes: Int)?

  /// Where distributions put QEMU's programs; never the PATH of whoever calls.
  private static let directories = ["/usr/bin", "/usr/local/bin"]

  /// - Parameters:
  ///   - name: E.g. `qemu-img`.
  ///   - descriptors: Ours, and the number under which the child finds each.
  init(
    name: String, arguments: [String], descriptors: [(source: Int32, target: Int32)],
    policy: SandboxPolicy, launcher: String, mode: SandboxMode
  ) throws(SourceError) {
    self.name = name
    let command = SandboxCommand(
      executable: try Self.executable(name), name: name, arguments: [name] + arguments,
      environment: ["LC_ALL=C"], descriptors: descriptors, policy: policy, mode: mode)
    do { process = try SandboxedProcess.launch(command, launcher: launcher) } catch {
      throw .sandbox(words: "\(error)")
    }
  }

  private static func executable(_ name: String) throws(SourceError) -> OwnedDescriptor {
    for directory in directories {
      do { return try openTrustedExecutable("\(directory)/\(name)") } catch {
        guard case .system(let failure) = error, failure.code == ENOENT else {
          throw .sandbox(words: "\(error)")
        }
      }
    }
    throw .toolMissing(name: name)
  }

  /// How it ended, or `nil` while it runs.
  func endIfAny() -> ProcessEnd? {
    for event in process.readEvents() { note(event) }
    return process.hasEnded ? end : nil
  }

  private func note(_ event: SandboxEvent) {
    switch event {
    case .started: break
    case .denied: end = event.denialText(of: name).map { .stopped($0) }
    case .failed(let step, let code):
      end = end ?? .stopped("cannot set up the sandbox of \(name): \(step): \(errnoText(code))")
    case .exited(let status, let cpuSeconds, let peakBytes):
      usage = (cpuSeconds, peakBytes)
      switch status {
      case .code(let code): end = end ?? .exited(code)
      case .signal(let signal): end = end ?? .signalled(signal)
      }
    }
  }

  /// Waits for its end until `deadline`; `nil` if it still runs then.
  func waitForEnd(until deadline: MonotonicTime) throws(SourceError) -> ProcessEnd? {
    var poller = Poller()
    while true {
      if let end = endIfAny() { return end }
      let left = deadline.seconds(since: .now)
      if left <= 0 { return nil }
      poller.removeAll()
      poller.add(process.statusDescriptor, .readable)
      do { _ = try poller.wait(seconds: left) } catch { throw .system(error) }
    }
  }

  /// Kills and reaps it; nothing happens if it has ended.
  func stop() {
    process.terminate()
    _ = process.reap(deadline: MonotonicTime.now.advanced(bySeconds: 5))
    _ = endIfAny()
  }
}

extension HelperProcess {
  /// A better explanation of why it did not answer: it has ended, or was ended.
  func explained(_ error: SourceError, lastWords: () -> String) -> SourceError {
    switch error {
    case .system, .protocolBroken, .daemonGone:
      let end = try? waitForEnd(until: MonotonicTime.now.advanced(bySeconds: 1))
      switch end {
      case nil: return error
      case .stopped(let reason)?: return .sandbox(words: reason)
      case .exited?: return .daemonGone(words: lastWords())
      case .signalled(let signal)?:
        return .daemonGone(words: "signal \(signal); \(lastWords())")
      }
    default: return error
    }
  }
}
