import CommandLine
import Glibc
import System
import Testing

/// Somebody is ended while an archive streams into a command: the command never takes half of it
/// for a whole one, and nobody is left.
@Suite(.inTurns) struct StreamKillTests {
  private static let count = getenv("SLUICE_KILLS").flatMap { Int(String(cString: $0)) } ?? 20
  private let place: Scratch
  private let plugins: StackFolder

  init() async throws {
    place = try Scratch()
    plugins = try await StackFolder()
    try place.makeSparse("d.raw", bytes: 8 << 20, data: [(0, 8 << 20)])
  }

  /// The command gives the archive its name when it has read its end.
  private func start() throws -> Program {
    try startSluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=\(place.path("d.raw"))",
        "--to", "stack=|cat > part && mv part whole", "--rate-limit", "6M",
      ], in: place.directory)
  }

  @Test(arguments: ["sluice", "stack", "cat", "sh", "sluice-sink"])
  func `whoever is killed, no half archive gets a name and no process is left`(
    victim: String
  ) async throws {
    let whole = try await start().finding()
    #expect(whole.status == 0, "\(whole.errors)")
    try await place.shell("mv whole original")
    let seed = Int.random(in: 1...1_000_000)
    var moments = Moments(seed: UInt64(seed))
    var wholeCount = 0
    let rounds = max(4, Self.count / 4)
    for round in 0..<rounds {
      // Every other time early enough for sure: the copying takes more than a second.
      let moment = moments.next(below: round % 2 == 0 ? 0.5 : 1.5)
      let program = try start()
      let process = try await program.member(victim)
      try await Task.sleep(for: .seconds(moment))
      if process > 0 { _ = kill(process, SIGKILL) }
      let finding = try await program.finding()
      let told: Comment = "seed \(seed), round \(round): \(victim) killed after \(moment) s"
      #expect(finding.left == [], told)
      if place.exists("whole") {
        wholeCount += 1
        // Their heads tell two instants.
        try await place.shell("cmp -i 1024 original whole && rm whole")
      } else {
        #expect(finding.status != 0, told)
      }
      try await place.shell("rm -f part")
    }
    #expect(wholeCount < rounds, "no kill came in time; seed \(seed)")
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `a job that is stopped ends its command`(signal: Int32) async throws {
    let program = try startSluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=\(place.path("d.raw"))", "--json",
        "--to", "stack=|cat > part && mv part whole", "--rate-limit", "100K",
      ], in: place.directory)
    #expect(try await program.says("\"started\""))
    program.send(signal)
    let finding = try await program.finding()
    #expect(finding.status == 130)
    #expect(finding.left == [])
    #expect(finding.seconds < 8)
    #expect(!place.exists("whole"))
  }
}
