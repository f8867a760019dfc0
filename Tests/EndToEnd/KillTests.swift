import CommandLine
import Glibc
import System
import Testing

/// The coordinator is killed at a random moment, again and again.
///
/// How often: `SLUICE_KILLS`, 20 without; `Tests/Soak/kills` asks for 200. `SLUICE_SEED` repeats a
/// run's moments.
@Suite(.inTurns) struct KillTests {
  private static let count = Moments.number("SLUICE_KILLS") ?? 20
  private static let seed = Moments.seed

  @Test func `a killed coordinator leaves no process and no archive`() async throws {
    let place = try Scratch()
    try place.makeSparse("d.raw", bytes: 8 << 20, data: [(0, 8 << 20)])
    try await place.shell("qemu-img convert -f raw -O qcow2 d.raw d.qcow2")
    var moments = Moments(seed: Self.seed)
    let whole = try await run(place, killAfter: nil)
    #expect(whole.status == 0, "\(whole.errors)")
    var published = 0
    for round in 0..<Self.count {
      let moment = moments.next(below: whole.seconds * 1.1)
      let finding = try await run(place, killAfter: moment)
      let told: Comment = "seed \(Self.seed), round \(round), killed after \(moment) s"
      #expect(finding.left == [], told)
      if try await expectWholeOrNothing(place, told) { published += 1 }
    }
    #expect(published < Self.count, "no kill came in time")
    let next = try await run(place, killAfter: nil)
    #expect(next.status == 0, "\(next.errors)")
    #expect(try place.names() == ["a", "b", "d.qcow2", "d.raw"], "what was stale is removed")
    for name in ["a", "b"] { try await place.shell("cmp d.raw \(name)/d.raw") }
  }

  /// One job with two outputs, held up so that most of it is the copying.
  private func run(_ place: Scratch, killAfter moment: Double?) async throws -> Finding {
    try await place.shell("rm -rf a b")
    let program = try startSluice(
      [
        "backup", "--image", "d=\(place.path("d.qcow2"))", "--to", "raw:a=\(place.path("a"))",
        "--to", "raw:b=\(place.path("b"))", "--rate-limit", "16M",
      ])
    if let moment {
      try await Task.sleep(for: .seconds(moment))
      program.send(SIGKILL)
    }
    return try await program.finding()
  }

  /// What has a final name is whole.
  ///
  /// - Returns: Whether there is any.
  private func expectWholeOrNothing(_ place: Scratch, _ told: Comment) async throws -> Bool {
    let archives = try place.names().filter { $0 == "a" || $0 == "b" }
    for name in archives {
      let verified = try await sluice(["verify", place.path(name)])
      #expect(verified.status == 0, told)
    }
    return !archives.isEmpty
  }
}
