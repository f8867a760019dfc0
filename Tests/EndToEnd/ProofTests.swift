import CommandLine
import JSON
import Testing

/// What proves an archive, and what is said when nothing does.
@Suite(.inTurns) struct ProofTests {
  let trip: RoundTrip
  private var place: Scratch { trip.place }

  init() throws { trip = try RoundTrip() }

  private func makeArchive(_ format: String, options: [String] = []) async throws {
    try place.makeSparse("d.raw", bytes: 2 << 20, data: [(0, 65536)])
    try place.write("vm.conf", Array("cores: 2\n".utf8))
    trip.expectSuccess(
      try await trip.run(
        ["backup", "--image", "d=d.raw", "--config", "vm.conf", "--to", "\(format)=a.\(format)"]
          + options))
  }

  /// The member `verified` of the last event.
  private func verified(_ arguments: [String]) async throws -> String? {
    let finding = try await trip.run(arguments + ["--json"])
    let events = try finding.lines.map { try JSONValue(parsing: Array($0.utf8)) }
    return events.last { $0["event"] == "finished" }?["verified"]?.string
  }

  @Test(arguments: ["vma", "tar", "ova", "raw"])
  func `verify says that the receipt has proven every byte`(format: String) async throws {
    try await makeArchive(format)
    let finding = try await trip.run(["verify", "a.\(format)"])
    trip.expectSuccess(finding)
    #expect(finding.output.contains("OK: every byte verified against the receipt"))
    #expect(try await verified(["verify", "a.\(format)"]) == "receipt")
  }

  @Test(arguments: ["tar", "ova"])
  func `verify says that the format's own checksums have proven every byte`(
    format: String
  ) async throws {
    try await makeArchive(format)
    try await place.shell("rm a.\(format).sluice.json")
    let finding = try await trip.run(["verify", "a.\(format)"])
    trip.expectSuccess(finding)
    let words = "OK: verified by plugin \"ova\" against the format's own checksums"
    #expect(finding.output.contains(words), "\(finding.output)")
    #expect(try await verified(["verify", "a.\(format)"]) == "format")
    #expect(try await verified(["restore", "a.\(format)", "--to", "restored"]) == "format")
  }

  @Test func `checksums of every file prove an archive whose receipt has no digests`() async throws
  {
    try await makeArchive("raw", options: ["--digest", "none", "--option", "raw.sha256sums=on"])
    #expect(try await verified(["verify", "a.raw"]) == "format")
    try place.flip("a.raw/d.raw", at: 100)
    #expect(try await trip.run(["verify", "a.raw"]).status == 65)
  }

  @Test(arguments: [("vma", true), ("vma", false), ("raw", true), ("tar", true)])
  func `verify without a proof ends with 1`(format: String, hasReceipt: Bool) async throws {
    try await makeArchive(format, options: ["--digest", "none"])
    let archive = "a.\(format)"
    if !hasReceipt { try await place.shell("rm \(archive).sluice.json") }
    let finding = try await trip.run(["verify", archive])
    #expect(finding.status == 1 && finding.left == [])
    #expect(finding.errors.contains("\(archive) is not verified"), "\(finding.errors)")
    let reason = hasReceipt ? "its receipt has no digests" : "it has no receipt"
    #expect(finding.errors.contains(reason), "\(finding.errors)")
    #expect(!finding.output.contains("OK"))
    #expect(try await verified(["verify", archive]) == "none")
  }

  @Test func `restore and convert without a proof warn`() async throws {
    try await makeArchive("vma")
    try await place.shell("rm a.vma.sluice.json")
    for verb in [["restore", "a.vma", "--to", "r"], ["convert", "a.vma", "--to", "raw=c"]] {
      let finding = try await trip.run(verb)
      trip.expectSuccess(finding)
      #expect(finding.errors.contains("a.vma is not verified"), "\(finding.errors)")
    }
    #expect(try await verified(["convert", "a.vma", "--to", "raw=again"]) == "none")
  }

  @Test(arguments: [true, false])
  func `an archive without a proof is refused where a receipt is required`(
    hasReceipt: Bool
  ) async throws {
    try await makeArchive("vma", options: ["--digest", "none"])
    if !hasReceipt { try await place.shell("rm a.vma.sluice.json") }
    let before = try place.names()
    for verb in [
      ["restore", "a.vma", "--to", "r"], ["convert", "a.vma", "--to", "raw=c"],
      ["restore", "a.vma", "--disk", "d=new.raw", "--skip", "vm.conf"],
    ] {
      let finding = try await trip.run(verb + ["--require-receipt"])
      #expect(finding.status == (hasReceipt ? 65 : 66), "\(finding.errors)")
      #expect(finding.errors.contains("--require-receipt"), "\(finding.errors)")
    }
    #expect(try place.names() == before)
  }

  @Test func `an archive with a proof is taken where a receipt is required`() async throws {
    try await makeArchive("vma")
    trip.expectSuccess(try await trip.run(["restore", "a.vma", "--to", "r", "--require-receipt"]))
    #expect(
      try await verified(["convert", "a.vma", "--to", "raw=c", "--require-receipt"]) == "receipt")
  }

  @Test(arguments: ["vma=-", "vma=|cat > s.vma"])
  func `the receipt of a stream is kept in a file and proves the archive later`(
    output: String
  ) async throws {
    try place.makeSparse("d.raw", bytes: 2 << 20, data: [(0, 65536)])
    let after = output == "vma=-" ? "> s.vma" : ""
    let said = try await place.shell(
      """
      '\(Build.directory)/sluice' backup --image d=d.raw --to '\(output)' --save-receipt s.json \
      \(after)
      """)
    #expect(said.contains("receipt saved as s.json"), "\(said)")
    #expect(try await trip.run(["verify", "s.vma"]).status == 1)
    let receipt = ["--receipt", "s.json"]
    #expect(try await verified(["verify", "s.vma"] + receipt) == "receipt")
    #expect(try await verified(["restore", "s.vma", "--to", "r"] + receipt) == "receipt")
    #expect(try await verified(["convert", "s.vma", "--to", "raw=c"] + receipt) == "receipt")
    #expect(try await trip.run(["list", "s.vma"] + receipt).output.contains("tools    sluice"))
    let piped = try await place.shell(
      "cat s.vma | '\(Build.directory)/sluice' verify - --receipt s.json")
    #expect(piped.contains("standard input: OK: every byte"), "\(piped)")
    try place.flip("s.vma", at: 65536 + 12288 + 100)
    #expect(try await trip.run(["verify", "s.vma"] + receipt).status == 65)
  }

  @Test func `a receipt that the user names must be there`() async throws {
    try await makeArchive("vma")
    let finding = try await trip.run(["verify", "a.vma", "--receipt", "none.json"])
    #expect(finding.status == 66 && finding.errors.contains("none.json"), "\(finding.errors)")
    try await place.shell("mv a.vma.sluice.json other && ln -s other link")
    #expect(try await trip.run(["verify", "a.vma", "--receipt", "link"]).status == 0)
  }

  @Test func `a receipt is saved for one stream only, and replaces nothing`() async throws {
    try place.makeSparse("d.raw", bytes: 65536)
    try place.write("taken", [1])
    let backup = ["backup", "--image", "d=d.raw"]
    for (outputs, name, status) in [
      (["vma=x"], "new", 64), (["vma:a=|cat >/dev/null", "vma:b=|cat >/dev/null"], "new", 64),
      (["vma=|cat > x"], "taken", 73), (["vma=|cat > x"], "none/new", 73),
    ] {
      let finding = try await trip.run(
        backup + outputs.flatMap { ["--to", $0] } + ["--save-receipt", name])
      #expect(finding.status == Int32(status), "\(finding.errors)")
    }
    #expect(try place.names() == ["d.raw", "taken"])
  }

  @Test func `a stream that fails leaves no receipt`() async throws {
    try place.makeSparse("d.raw", bytes: 8 << 20, data: [(0, 8 << 20)])
    let finding = try await trip.run(
      ["backup", "--image", "d=d.raw", "--to", "vma=|head -c 99; exit 3", "--save-receipt", "s"])
    #expect(finding.status == 74, "\(finding.errors)")
    #expect(try place.names() == ["d.raw"])
  }

  @Test(arguments: [1 << 20, 10240, 512])
  func `zeros are no archive of nothing`(bytes: Int64) async throws {
    try place.makeSparse("z.tar", bytes: bytes)
    try await expectDamaged("z.tar", says: "starts with zeros")
  }

  @Test(.enabled(if: VMAScene.oracles != nil, "oracles: SLUICE_ORACLES names no directory"))
  func `an archive whose head is zeros is damaged`() async throws {
    try await expectDamaged(
      "\(VMAScene.oracles ?? "")/../cases/o-head0.tar", says: "starts with zeros")
  }

  private func expectDamaged(_ archive: String, says words: String) async throws {
    for verb in [
      ["verify", archive], ["list", archive], ["restore", archive, "--to", "r"],
      ["convert", archive, "--to", "raw=c"],
    ] {
      let finding = try await trip.run(verb + ["--format", "tar"])
      #expect(finding.status == 65, "\(verb): \(finding.errors)")
      #expect(finding.errors.contains(words), "\(finding.errors)")
    }
    #expect(!place.exists("r") && !place.exists("c"))
  }
}
