import CommandLine
import Glibc
import System
import Testing

/// A process of another user that has an id of a container, or the plugin's own, wants what root
/// publishes (staging-attack/attack.py).
@Suite(
  .inTurns, .enabled(if: Build.isRoot && Build.has("python3"), "needs root and python3"))
struct StagingAttackTests {
  private let place: Scratch

  init() throws { place = try Scratch() }

  @Test(arguments: [100_000, 65_521], ["raw", "qcow2", "vma", "tar", "ova"])
  func `another user's process gets at nothing of a backup`(
    identity: Int, format: String
  ) async throws {
    try place.makeSparse("d.raw", bytes: 4 << 20, data: [(0, 4 << 20)])
    try await place.shell(
      """
      chmod 755 . && chmod 600 d.raw && mkdir -m 755 dir && mkfifo end
      echo > dir/control && chown \(identity) dir/control
      """)
    let script = try realPath("Tests/Support/staging-attack/attack.py")
    let attack = try Program(
      ["/bin/sh", "-c", "exec python3 '\(script)' dir \(identity) 0<>end"], in: place.directory)
    try #require(try await attack.says("started"))
    try #require(try await attack.says("opened dir/control"), "the attack itself works")
    let finding = try await sluice(
      [
        "backup", "--image", "d=d.raw", "--to", "\(format)=dir/a", "--rate-limit", "3M",
      ], in: place.directory)
    #expect(finding.status == 0, "\(finding.errors)")
    try await Task.sleep(for: .milliseconds(300))
    try await place.shell("echo > end")
    let told = try await attack.finding().output
    #expect(told.split(separator: "\n").filter { $0.hasPrefix("opened") }.count == 1, "\(told)")
    let verified = try await sluice(["verify", "--format", format, "dir/a"], in: place.directory)
    #expect(verified.status == 0, "\(verified.errors)")
  }
}
