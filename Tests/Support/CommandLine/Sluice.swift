/// Runs `sluice` and waits for its end, at most a few at once: deadlines of plugins are real time.
///
/// - Parameters:
///   - user: Runs it as this user; then `build` must be a copy that user can execute.
///   - build: Folder of the executable.
package func sluice(
  _ arguments: [String], in directory: String? = nil, user: UInt32? = nil,
  build: String = Build.directory, within seconds: Double = 60
) async throws -> Finding {
  try await Turns.shared.take()
  do {
    let program = try Program([build + "/sluice"] + arguments, in: directory, user: user)
    let finding = try await program.finding(within: seconds)
    await Turns.shared.giveBack()
    return finding
  } catch {
    await Turns.shared.giveBack()
    throw error
  }
}

/// Starts `sluice`, for tests that talk to it while it runs.
package func startSluice(_ arguments: [String], in directory: String? = nil) throws -> Program {
  try Program([Build.directory + "/sluice"] + arguments, in: directory)
}

/// Hands out a few turns at a time.
private actor Turns {
  static let shared = Turns()
  private var left = 3

  func take() async throws {
    while left == 0 { try await Task.sleep(for: .milliseconds(20)) }
    left -= 1
  }

  func giveBack() { left += 1 }
}
