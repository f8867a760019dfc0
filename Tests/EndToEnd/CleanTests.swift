import CommandLine
import Glibc
import Testing

/// `sluice clean`.
@Suite(.inTurns) struct CleanTests {
  private let place: Scratch

  init() throws { place = try Scratch() }

  private func clean(_ arguments: String...) async throws -> Finding {
    try await sluice(["clean"] + arguments, in: place.directory)
  }

  /// A staging place of a job that is over, as another machine or this one would leave it.
  private func leave(_ digit: String, machine: String) async throws -> String {
    let id = String(repeating: digit, count: 32)
    let name = ".monday.sluice-\(id)"
    try await place.shell(
      """
      mkdir -m 700 \(name) && echo data > \(name)/archive && cat > \(name)/mark <<END
      {"sluice_staging":1,"job":"\(id)","machine":"\(machine)","boot":"before",
       "pid_namespace":1,"pid":1,"started":1,"locked":true}
      END
      """)
    return name
  }

  private func leaveOwn(_ digit: String) async throws -> String {
    let machine = try await place.shell("cat /etc/machine-id 2>/dev/null || true")
    return try await leave(digit, machine: String(machine.prefix { $0 != "\n" }))
  }

  @Test func `what a dead job of this machine left is listed and removed`() async throws {
    let own = try await leaveOwn("a")
    let foreign = try await leave("b", machine: "elsewhere")
    let dry = try await clean(".", "--dry-run")
    #expect(dry.status == 0 && dry.output.contains(own) && !dry.output.contains(foreign))
    #expect(try place.names() == [own, foreign])
    let finding = try await clean(".")
    #expect(finding.status == 0 && finding.output.contains("\(own): removed"))
    #expect(try place.names() == [foreign])
    #expect(try await clean(".").output.contains("nothing to clean up"))
  }

  @Test func `what another machine left goes only when it is old enough`() async throws {
    let foreign = try await leave("b", machine: "elsewhere")
    #expect(try await clean(".", "--foreign", "--older-than", "1h").status == 0)
    #expect(try place.names() == [foreign])
    try await place.shell("find \(foreign) -exec touch -d '3 hours ago' {} +")
    #expect(try await clean(".", "--foreign", "--older-than", "4h").status == 0)
    #expect(try place.names() == [foreign])
    let finding = try await clean(".", "--foreign", "--older-than", "2h", "--json")
    #expect(finding.status == 0)
    #expect(finding.lines.count == 2)
    #expect(finding.output.contains(#""step":"removed""#), "\(finding.output)")
    #expect(try place.names() == [])
  }

  @Test(.enabled(if: geteuid() == 0, "only root can make a file immutable"))
  func `a place that cannot be removed is told, and can be cleaned later`() async throws {
    try place.makeSparse("d.raw", bytes: 8 << 20, data: [(0, 8 << 20)])
    let program = try startSluice(
      [
        "backup", "--json", "--image", "d=d.raw", "--to", "raw=out", "--rate-limit", "1M",
      ], in: place.directory)
    #expect(try await program.says("\"started\""))
    try await place.shell("chattr +i .out.sluice-*/mark")
    program.send(SIGTERM)
    let finding = try await program.finding()
    try await place.shell("chattr -i .out.sluice-*/mark")
    #expect(finding.status == 130)
    #expect(finding.output.contains("could not be removed: "), "\(finding.output)")
    #expect(finding.output.contains("sluice clean \(place.directory)"), "\(finding.output)")
    #expect(try await clean(".").output.contains("removed"))
    #expect(try place.names() == ["d.raw"])
  }

  @Test func `links and the user's own files are left alone`() async throws {
    try await place.shell(
      """
      mkdir .monday.sluice-photos outside && touch .monday.sluice-photos/x outside/precious
      ln -s outside .monday.sluice-\(String(repeating: "c", count: 32))
      """)
    let own = try await leaveOwn("a")
    try await place.shell("mkdir \(own)/more && ln -s ../../outside \(own)/more/link")
    let before = try place.names().filter { $0 != own }
    #expect(try await clean(".").status == 0)
    #expect(try place.names() == before)
    #expect(try place.names("outside") == ["precious"])
  }

  @Test func `a wrong command line and a missing directory have their statuses`() async throws {
    #expect(try await clean(".", "--foreign").status == 64)
    #expect(try await clean(".", "--older-than", "2h").status == 64)
    #expect(try await clean(".", "--foreign", "--older-than", "10m").status == 64)
    #expect(try await clean("none").status == 66)
  }
}
