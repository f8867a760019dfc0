import CommandLine
import LiveGuest
import System
import Testing

/// A backup of a guest that takes long enough for something to happen to it.
struct SlowBackup {
  let guest: LiveGuest
  let program: Program
  let before: BlockState

  /// Starts it, and waits until the instant is taken and data flows.
  ///
  /// - Parameter begun: The event to wait for.
  init(
    _ guest: LiveGuest, _ more: [String] = [], begun: String = "\"started\""
  ) async throws {
    self.guest = guest
    before = try guest.blockState()
    program = try startSluice(
      ["backup", "--json", "--qmp", guest.qmp, "--to", "raw=slow"]
        + (more.contains("--rate-limit") ? [] : ["--rate-limit", "1M"]) + more,
      in: guest.files.directory)
    let hasBegun = try await program.says(begun)
    #expect(hasBegun, "\(program.output)")
    try await Task.sleep(for: .milliseconds(300))
  }

  /// The backup has failed so, and nothing of it is left anywhere.
  ///
  /// - Returns: What it said.
  @discardableResult
  func fails(_ status: Int32?, saying words: String) async throws -> Finding {
    let finding = try await program.finding()
    #expect(finding.status == status, "\(finding.errors)")
    #expect(finding.errors.contains(words), "\(finding.errors)")
    #expect(finding.left == [])
    try expectNoTrace()
    return finding
  }

  /// No archive, no staging place, no fleecing file and no journal is left.
  func expectNoTrace() throws {
    let names = try guest.files.names()
    #expect(!names.contains { $0.hasPrefix("slow") || $0.contains("sluice") }, "\(names)")
    #expect(try Self.journals(of: guest) == [])
  }

  /// QEMU has what it had, and the guest goes on without having seen an error.
  func expectUnharmed() async throws {
    #expect(try guest.blockState() == before)
    #expect(try guest.runState == "running")
    try await LiveBackup(guest: guest).expectWriting()
  }

  /// Waits until QEMU has what it had; whoever does it.
  func waitUntilUndone(within seconds: Double = 5) async throws {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    while try guest.blockState() != before, MonotonicTime.now < deadline {
      try await Task.sleep(for: .milliseconds(50))
    }
    #expect(try guest.blockState() == before)
  }

  /// Journals of backups of a guest, alive or not.
  static func journals(of guest: LiveGuest) throws -> [String] {
    let directory = "/var/lib/sluice/journal"
    return ((try? listDirectory(directory)) ?? []).filter { name in
      let bytes = (try? readSmallFile("\(directory)/\(name)", limit: 64 << 10)) ?? []
      return String(decoding: bytes, as: UTF8.self).contains(guest.files.directory)
    }
  }
}
