import CommandLine
import Testing

/// An appliance of ours whose manifest was changed: nothing but the manifest proves descriptor and
/// manifest.
@Suite(.inTurns) struct OVAManifestTests {
  let scene: VMAScene
  private var place: Scratch { scene.place }

  init() throws { scene = try VMAScene() }

  private func expectDamaged(_ archive: String, says words: String) async throws {
    for verb in [["verify", archive], ["list", archive], ["restore", archive, "--to", "out"]] {
      let finding = try await scene.trip.run(verb)
      #expect(finding.status == 65, "\(verb): \(finding.errors)")
      #expect(finding.errors.contains(words), "\(finding.errors)")
    }
    #expect(!place.exists("out"))
  }

  @Test(arguments: [
    ("s/SHA256(web/SHA266(web/", "unknown kind"),
    ("s/^SHA256(receipt/SHB256(receipt/", "unknown kind"),
    ("s/SHA256(web/sHA256(web/", "unexpected content"),
    ("s/)= /) =/", "unexpected content"),
  ])
  func `a changed manifest of an appliance of ours is damage, with a receipt and without`(
    edit: String, words: String
  ) async throws {
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 65536)])
    scene.trip.expectSuccess(
      try await scene.trip.run(
        ["backup", "--image", "d=d.raw", "--vm-name", "web", "--to", "ova=x.ova"]))
    // Of the same length: nothing else in the archive moves.
    try await place.shell(
      """
      LC_ALL=C sed -i '\(edit)' x.ova && cp x.ova y.ova
      """)
    try await expectDamaged("x.ova", says: words)
    try await expectDamaged("y.ova", says: words)
    let piped = try await scene.shell("cat x.ova | sluice verify --format ova -")
    #expect(piped.contains("= 65") && piped.contains(words), "\(piped)")
  }

  @Test(.enabled(if: VMAScene.oracles != nil, "oracles: SLUICE_ORACLES names no directory"))
  func `an appliance with a digest of an unknown kind is damaged`() async throws {
    let archive = "\(VMAScene.oracles ?? "")/../cases/ova-manifest-kind.ova"
    try await expectDamaged(archive, says: "unknown kind")
  }
}
