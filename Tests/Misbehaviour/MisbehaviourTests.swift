import CommandLine
import Testing

/// Each misbehaving plugin is a real program in its real sandbox, run by the real `sluice`.
@Suite(.inTurns) struct MisbehaviourTests {
  /// One disk of 8 MiB, data all over: eight slots' worth, in more frames than a plugin may hold.
  private func makeDisk(_ place: Scratch) throws {
    try place.makeSparse("disk.raw", bytes: 8 << 20, data: [(0, 8 << 20)])
  }

  private func folder(_ misdeed: Misdeed) async throws -> PluginFolder {
    try await PluginFolder(
      [misdeed.name], receipts: misdeed.hasReceipt ? [misdeed.name] : [],
      output: misdeed.output, needs: misdeed.needsMap ? ["map"] : [])
  }

  /// What holds after every failed job: nothing runs, nothing lies about, no escapes are shown.
  private func expectClean(_ finding: Finding, _ misdeed: Misdeed) {
    #expect(finding.left == [])
    #expect(finding.errors.contains("\"\(misdeed.name)\""), "\(finding.errors)")
    for words in misdeed.says { #expect(finding.errors.contains(words), "\(finding.errors)") }
    #expect(!finding.errors.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
    #expect(finding.errors.contains(misdeed.citation), "\(finding.errors)")
  }

  @Test(arguments: Misdeed.all)
  func `a misbehaving plugin fails its job, and nothing is left`(misdeed: Misdeed) async throws {
    let place = try Scratch()
    let plugins = try await folder(misdeed)
    try makeDisk(place)
    let finding = try await sluice(
      [
        "backup", "--json", "--plugin-path", plugins.path,
        "--image", "d=\(place.path("disk.raw"))", "--to", "\(misdeed.name)=\(place.path("out"))",
        "--stall-limit", "3",
      ])
    #expect(finding.status == misdeed.status)
    expectClean(finding, misdeed)
    let event = finding.output.split(separator: "\n").last ?? ""
    #expect(event.contains("\"event\":\"failed\"") && event.contains(misdeed.fields), "\(event)")
    #expect(try place.names() == ["disk.raw"])
  }

  @Test(arguments: Misdeed.all)
  func `a misbehaving plugin does not touch the others of a tee`(misdeed: Misdeed) async throws {
    let place = try Scratch()
    let plugins = try await folder(misdeed)
    try makeDisk(place)
    let finding = try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=\(place.path("disk.raw"))",
        "--to", "\(misdeed.name)=\(place.path("bad"))", "--to", "raw=\(place.path("good"))",
        "--stall-limit", "3",
      ])
    #expect(finding.status == 75)
    expectClean(finding, misdeed)
    #expect(try place.names() == ["disk.raw", "good"])
    try await place.shell("cmp disk.raw good/d.raw")
    #expect(try await sluice(["verify", place.path("good")]).status == 0)
  }

  @Test func `two misbehaving plugins are both named`() async throws {
    let place = try Scratch()
    let names = ["dies-mid-stream", "releases-twice"]
    let plugins = try await PluginFolder(names)
    try makeDisk(place)
    let finding = try await sluice(
      ["backup", "--plugin-path", plugins.path, "--image", "d=\(place.path("disk.raw"))"]
        + names.flatMap { ["--to", "\($0)=\(place.path($0))"] })
    #expect(finding.status == 70)
    for name in names { #expect(finding.errors.contains("\"\(name)\"")) }
    #expect(finding.errors.contains("2 of 2 outputs failed"))
    #expect(finding.left == [])
    #expect(try place.names() == ["disk.raw"])
  }

  @Test func `an output that failed says to tools which rule was broken`() async throws {
    let place = try Scratch()
    let plugins = try await PluginFolder(["releases-twice"])
    try makeDisk(place)
    let finding = try await sluice(
      [
        "backup", "--json", "--plugin-path", plugins.path,
        "--image", "d=\(place.path("disk.raw"))",
        "--to", "releases-twice=\(place.path("bad"))", "--to", "raw=\(place.path("good"))",
      ])
    #expect(finding.status == 75)
    let event = finding.output.split(separator: "\n").first { $0.contains("output-failed") }
    #expect(event?.contains(#""clause":"4.11-1","code":"E_PROTOCOL"}"#) == true)
  }

  @Test func `a plugin that says nothing is given up after ten seconds`() async throws {
    try await expectFailure(
      Misdeed("says-nothing", 70, "sent no HELLO_ACK within 10 s", breaks: "13.1 E_PROTOCOL"))
  }

  @Test func `half an answer to HELLO is no answer`() async throws {
    try await expectFailure(
      Misdeed("half-a-hello", 70, "sent no HELLO_ACK within 10 s", breaks: "13.1 E_PROTOCOL"))
  }

  @Test func `a plugin that lingers after FINISHED is ended`() async throws {
    try await expectFailure(
      Misdeed(
        "lingers", 70, "did not exit within 10 s after FINISHED", breaks: "13.1 E_PROTOCOL"))
  }

  private func expectFailure(_ misdeed: Misdeed) async throws {
    let place = try Scratch()
    let plugins = try await folder(misdeed)
    try makeDisk(place)
    let finding = try await sluice(
      [
        "backup", "--plugin-path", plugins.path, "--image", "d=\(place.path("disk.raw"))",
        "--to", "\(misdeed.name)=\(place.path("out"))",
      ])
    #expect(finding.status == misdeed.status)
    expectClean(finding, misdeed)
    #expect(finding.seconds > 9)
    #expect(try place.names() == ["disk.raw"])
  }
}
