import CommandLine
import JSON
import System
import Testing

/// Names of archives that tell what they are of.
@Suite(.inTurns) struct NamePatternTests {
  private let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 4096)])
  }

  /// `sluice` in Tokyo, nine hours ahead of UTC.
  private func run(_ arguments: [String]) async throws -> Finding {
    let program = try Program(
      ["env", "TZ=Asia/Tokyo", Build.directory + "/sluice"] + arguments, in: place.directory)
    return try await program.finding()
  }

  private func backUp(_ path: String, _ more: [String] = []) async throws -> Finding {
    try await run(["backup", "--image", "d=d.raw", "--to", "raw=\(path)"] + more)
  }

  /// The instant of an archive in UTC: day, hour, and what follows.
  private func instant(_ archive: String) throws -> [Substring] {
    let receipt = try JSONValue(parsing: try place.bytes("\(archive)/manifest.json"))
    let text = try #require(receipt["instant"]?.string)
    return text.split { "-T:Z".contains($0) }
  }

  @Test func `a name tells machine and instant`() async throws {
    let finding = try await backUp("vzdump-qemu-{vmid}-{time}.x{{}}", ["--vm-id", "101"])
    #expect(finding.status == 0, "\(finding.errors)")
    let name = try #require(try place.names().first { $0 != "d.raw" })
    let match = try #require(
      name.wholeMatch(
        of: /vzdump-qemu-101-(\d{4})_(\d\d)_(\d\d)-(\d\d)_(\d\d)_(\d\d)\.x\{\}/))
    let instant = try instant(name)
    let hour = try #require(Int(instant[3]))
    #expect(Int(match.output.4) == (hour + 9) % 24)
    #expect(instant[4] == match.output.5 && instant[5] == match.output.6)
    if hour < 15 { #expect(instant[2] == match.output.3) }
    #expect(finding.output.contains("raw: \(name) is complete"))
    // Another name of the same instant.
    let converted = try await run(["convert", name, "--to", "raw={time}+{vmid}"])
    #expect(converted.status == 0, "\(converted.errors)")
    #expect(place.exists("\(name.dropFirst(16).prefix(19))+101"))
  }

  @Test(arguments: [
    ("{vmid}", "", "the VM ID is unknown"), ("{vmid}", "../x", "part of a file name"),
    ("{vmid}", "a/b", "part of a file name"), ("{vm}", "1", "unknown placeholder {vm}"),
    ("a{", "1", "unmatched"), ("a}", "1", "unmatched"), ("{", "1", "unmatched"),
    ("{}", "1", "unknown placeholder"),
  ])
  func `a pattern that means nothing is refused`(
    path: String, id: String, words: String
  ) async throws {
    let finding = try await backUp(path, id.isEmpty ? [] : ["--vm-id", id])
    #expect(finding.status == 64)
    #expect(finding.errors.contains(words), "\(finding.errors)")
    #expect(try place.names() == ["d.raw"])
  }

  @Test func `an archive's machine does not lead elsewhere`() async throws {
    #expect(try await backUp("m", ["--vm-id", "101"]).status == 0)
    try await place.shell("mkdir deep")
    try await place.shell(
      """
      sed -i 's|"id": "101"|"id": "../101"|' m/manifest.json && grep -q '\\.\\./101' m/manifest.json
      cd m && sha256sum manifest.json > SHA256SUMS
      """)
    let finding = try await run(["convert", "m", "--to", "raw=deep/{vmid}"])
    #expect(finding.status == 64)
    #expect(finding.errors.contains("\"../101\" cannot be part of a file name"))
    #expect(!place.exists("101") && place.exists("deep"))
  }
}
