import CommandLine
import Glibc
import System
import Testing

/// Somebody is ended while archives of Proxmox VE are written, to a file and to a command at once.
@Suite(.inTurns, .enabled(if: VMAScene.hasTools, "needs python3 and zstd"))
struct VMAKillTests {
  private static let seed = Moments.seed
  private static let rounds = max(4, (Moments.number("SLUICE_KILLS") ?? 20) / 4)
  /// Names that only whole archives have.
  private static let names = ["x.vma", "whole.vma.zst"]

  private let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 8 << 20, data: [(0, 8 << 20)])
  }

  /// The command gives its archive a name when it has read the end.
  private func start() throws -> Program {
    try startSluice(
      [
        "backup", "--image", "d=d.raw", "--to", "vma=x.vma", "--rate-limit", "6M",
        "--to", "vma:zst=|zstd -q -f -o part && mv part whole.vma.zst",
      ], in: place.directory)
  }

  @Test(arguments: ["sluice", "sluice-writer-vma", "zstd", "sh", "sluice-sink"])
  func `whoever is killed, no half archive of Proxmox gets a name`(victim: String) async throws {
    let whole = try await start().finding()
    #expect(whole.status == 0, "\(whole.errors)")
    try await expectSound("before")
    var moments = Moments(seed: Self.seed)
    var missing = 0
    for round in 0..<Self.rounds {
      // Every other time early enough for sure: the copying takes more than a second.
      let moment = moments.next(below: round % 2 == 0 ? 0.5 : 1.5)
      let told: Comment = "seed \(Self.seed), round \(round): \(victim) killed after \(moment) s"
      let program = try start()
      let process = try await program.member(String(victim.prefix(15)))
      try await Task.sleep(for: .seconds(moment))
      if process > 0 { _ = kill(process, SIGKILL) }
      let finding = try await program.finding()
      #expect(finding.left == [], told)
      let found = try await expectSound(told)
      if found < Self.names.count {
        missing += 1
        #expect(finding.status != 0, told)
      }
    }
    #expect(missing > 0, "no kill came in time; seed \(Self.seed)")
  }

  /// What has a final name is whole; it is removed.
  ///
  /// - Returns: How many there are.
  @discardableResult
  private func expectSound(_ told: Comment) async throws -> Int {
    let found = Self.names.filter { place.exists($0) }
    for name in found {
      let finding = try await sluice(["restore", name, "--to", "restored"], in: place.directory)
      #expect(finding.status == 0, told)
      try await place.shell("cmp d.raw restored/d.raw; rm -r restored")
    }
    try await place.shell("rm -f part x.vma x.vma.sluice.json whole.vma.zst")
    return found.count
  }
}
