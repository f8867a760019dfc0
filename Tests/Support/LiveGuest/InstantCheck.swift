import CommandLine

/// Whether raw copies of the guest's disks are one single instant, by `instant-check`.
package func instantCheck(
  _ first: String, _ second: String
) async throws -> (
  isOne: Bool, words: String
) {
  let program = try Program([Build.directory + "/instant-check", first, second])
  let finding = try await program.finding()
  return (finding.status == 0, finding.output + finding.errors)
}
