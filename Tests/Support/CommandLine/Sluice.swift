/// Runs `sluice` and waits for its end.
///
/// - Parameters:
///   - user: Runs it as this user; then `build` must be a copy that user can execute.
///   - build: Folder of the executable.
package func sluice(
  _ arguments: [String], in directory: String? = nil, user: UInt32? = nil,
  build: String = Build.directory, within seconds: Double = 60
) async throws -> Finding {
  let program = try Program([build + "/sluice"] + arguments, in: directory, user: user)
  return try await program.finding(within: seconds)
}

/// Starts `sluice`, for tests that talk to it while it runs.
package func startSluice(_ arguments: [String], in directory: String? = nil) throws -> Program {
  try Program([Build.directory + "/sluice"] + arguments, in: directory)
}
