import CommandLine
import JSON
import Testing

/// Usage errors, and the verbs that describe the installation.
@Suite(.inTurns) struct CommandLineTests {
  @Test(arguments: [
    ("bakup", "unknown command \"bakup\"; did you mean \"backup\"?"),
    ("retsore", "did you mean \"restore\"?"), ("docter --json", "did you mean \"doctor\"?"),
    ("help verfy", "did you mean \"verify\"?"), ("plugin lst", "did you mean \"list\"?"),
    ("plugin lst", "See 'sluice plugin --help'"),
    ("frobnicate", "unknown command \"frobnicate\"\n"), ("x", "unknown command \"x\"\n"),
  ])
  func `an unknown command suggests the nearest one`(words: String, error: String) async throws {
    let finding = try await sluice(words.split(separator: " ").map(String.init))
    #expect(finding.status == 64)
    #expect(finding.errors.contains(error), "\(finding.errors)")
    #expect((finding.output == "") == !words.contains("--json"))
  }

  /// The library took every value after a `=` for none.
  @Test(arguments: [
    ("--qmp q --vmstate=bogus", "unexpected argument 'bogus'"),
    ("--qmp q --vmstate bogus", "unexpected argument 'bogus'"),
    ("--qmp q --vmstate=", "unexpected argument ''"),
    ("--vmstate=stop", "--vmstate needs --qmp"), ("--vmstate", "--vmstate needs --qmp"),
    ("--vmstate --freeze require --qmp q --guest-agent a", "a restored guest would stay frozen"),
  ])
  func `an option's value may be left out, but not be wrong`(
    words: String, error: String
  ) async throws {
    let finding = try await sluice(
      ["backup", "--to", "raw=x"] + words.split(separator: " ").map(String.init))
    #expect(finding.status == 64)
    #expect(finding.errors.contains(error), "\(finding.errors)")
  }

  @Test(arguments: [
    ("backup", "sluice: missing expected argument '--to"),
    ("backup --to raw=x --imge d=d", "sluice: unknown option '--imge'. Did you mean '--image'?"),
    ("backup --to raw=x --rate-limit 3Q", "(suffixes K, M, G, T)"),
    ("restore x", "sluice: no destination: use --to DIR"),
    (
      "restore x --sparse --preallocate",
      "sluice: '--preallocate' and '--sparse' cannot be used together"
    ),
  ])
  func `a usage error begins with the program's name`(words: String, error: String) async throws {
    let finding = try await sluice(words.split(separator: " ").map(String.init))
    #expect(finding.status == 64)
    #expect(finding.errors.hasPrefix("sluice: ") && finding.errors.contains(error))
    #expect(!finding.errors.contains("Error:"), "\(finding.errors)")
  }

  @Test(arguments: ["doctor", "plugin list", "plugin info tar", "plugin info none"])
  func `verbs that describe the installation honour --json and --quiet`(
    words: String
  ) async throws {
    let arguments = words.split(separator: " ").map(String.init)
    let plain = try await sluice(arguments)
    let json = try await sluice(arguments + ["--json"])
    let events = try json.lines.map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(!events.isEmpty && events.allSatisfy { $0["schema"] == 1 && $0["event"] != nil })
    #expect(plain.status == json.status)
    let quiet = try await sluice(arguments + ["--quiet"])
    #expect(quiet.status == plain.status && !quiet.output.contains("PASS"))
    if words != "doctor" { #expect(quiet.output == "") }
    #expect((quiet.errors == "") == (words != "plugin info none"))
  }

  @Test func `plugin info describes one format, with its own options only`() async throws {
    let (tar, ova) = (
      try await sluice(["plugin", "info", "tar"]).output,
      try await sluice(["plugin", "info", "ova"]).output
    )
    for line in [
      "modes       write, read, verify", "outputs     file, pipe",
      "streams     disk, config, vmstate", "tar.compress=",
    ] {
      #expect(tar.contains(line), "lacks \(line): \(tar)")
    }
    #expect(!tar.contains("level=") && !tar.contains("disk-format"))
    #expect(ova.contains("ova.level=") && !ova.contains("compress="))
    let json = try await sluice(["plugin", "info", "raw", "--json"])
    let event = try JSONValue(parsing: Array(json.output.utf8))
    #expect(event["event"] == "format" && event["outputs"] == ["directory"])
    #expect(event["streams"] == ["disk", "config", "vmstate"])
    #expect(event["options"]?.array?.compactMap { $0["name"]?.string } == ["sha256sums", "direct"])
  }
}
