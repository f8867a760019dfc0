internal import CLinux
internal import Glibc
internal import System

/// What a program did, its whole family included.
package struct Finding: Sendable {
  /// Its exit status; `nil` if a signal ended it.
  package let status: Int32?
  /// The signal that ended it.
  package let signal: Int32?
  /// Standard output.
  package let output: String
  /// Standard error.
  package let errors: String
  /// Processes it left behind, which had to be killed: `PID NAME`.
  package let left: [String]
  package let seconds: Double

  /// Lines of standard output.
  package var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// A program that runs, below `family-run`, which sees everything it starts.
package final class Program: Sendable {
  private let files: Scratch
  private let pid: Int32
  private let pidfd: OwnedDescriptor
  private let started = MonotonicTime.now

  /// Starts a program with an empty standard input.
  ///
  /// - Parameters:
  ///   - arguments: The first is the program: a path, or a name to be found in `/usr/bin`.
  ///   - directory: Where it starts.
  ///   - user: Runs it as this user, without further groups; `nil` is the caller.
  package init(_ arguments: [String], in directory: String? = nil, user: UInt32? = nil) throws {
    files = try Scratch()
    let null = try openFile("/dev/null", flags: O_RDONLY)
    let output = try openFile(files.path("out"), flags: O_WRONLY | O_CREAT, mode: 0o600)
    let errors = try openFile(files.path("err"), flags: O_WRONLY | O_CREAT, mode: 0o600)
    var words = [Build.directory + "/family-run", files.path("report")]
    // setpriv executes what it is given: no process more, and no session.
    if let user { words += ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"] }
    if let directory { words += ["env", "-C", directory] }
    pid = try Self.spawn(
      words + arguments, [(null.raw, 0), (output.raw, 1), (errors.raw, 2)])
    pidfd = OwnedDescriptor(adopting: try check(clinux_pidfd_open(pid), .pidfdOpen, words[0]))
  }

  /// The program's own process; 0 as long as it is not known.
  package var process: Int32 { number("pid") ?? 0 }

  /// What it has written to standard output so far.
  package var output: String { read("out") }

  /// Waits until the program has written a text to standard output.
  ///
  /// - Returns: Whether it came in time.
  package func says(_ text: String, within seconds: Double = 20) async throws -> Bool {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    while !output.contains(text) {
      if MonotonicTime.now > deadline { return false }
      try await Task.sleep(for: .milliseconds(10))
    }
    return true
  }

  /// Sends a signal to the program alone, not to its family.
  package func send(_ signal: Int32) {
    let process = process
    if process > 0 { _ = kill(process, signal) }
  }

  /// Waits until it and all it started have ended.
  ///
  /// - Parameter seconds: After so long it is killed, and the finding shows SIGKILL.
  package func finding(within seconds: Double = 60) async throws -> Finding {
    var isKilled = false
    var status: Int32 = 0
    var isSignal: Int32 = 0
    while clinux_reap(pid, &status, &isSignal) == 0 {
      if !isKilled && MonotonicTime.now.seconds(since: started) > seconds {
        isKilled = true
        send(SIGKILL)
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    return Finding(
      status: number("exit"), signal: number("signal"), output: read("out"), errors: read("err"),
      left: lines("left"), seconds: MonotonicTime.now.seconds(since: started))
  }

  private func read(_ name: String) -> String {
    let bytes = (try? readSmallFile(files.path(name), limit: 64 << 20)) ?? []
    return String(decoding: bytes, as: UTF8.self)
  }

  private func lines(_ word: String) -> [String] {
    read("report").split(separator: "\n").filter { $0.hasPrefix(word + " ") }
      .map { String($0.dropFirst(word.count + 1)) }
  }

  private func number(_ word: String) -> Int32? { lines(word).first.flatMap { Int32($0) } }

  private static func spawn(
    _ arguments: [String], _ descriptors: [(Int32, Int32)]
  ) throws -> Int32 {
    let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/"]
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
    defer { for text in argv + envp { free(text) } }
    var pid: pid_t = 0
    try check(
      clinux_spawn(
        arguments[0], &argv, &envp, descriptors.map(\.0), descriptors.map(\.1), descriptors.count,
        &pid), .spawn, arguments[0])
    return pid
  }
}
