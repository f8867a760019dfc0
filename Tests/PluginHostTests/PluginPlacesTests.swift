import CommandLine
import Glibc
import Testing

@testable import PluginHost

struct PluginPlacesTests {
  private func directories(_ environment: String?) -> [String] {
    PluginPlaces(executable: "/nowhere/bin/sluice", extra: ["/tmp"], environment: environment)
      .places.map(\.directory)
  }

  @Test(.enabled(if: geteuid() == 0, "this kernel's root only: the rule is about root"))
  func `root's plugins are not chosen by the environment`() {
    #expect(directories("/evil:/other") == directories(nil))
  }

  @Test func `what the command line names comes first`() {
    #expect(directories(nil).first == "/tmp")
    #expect(directories(nil).count == 2)
  }

  @Test func `an installation searches its own directory, then those of packages`() async throws {
    let prefix = try Scratch()
    try await prefix.shell(
      "mkdir -p bin libexec/sluice share/sluice/plugins && touch libexec/sluice/sluice-launcher")
    let places = PluginPlaces(
      executable: prefix.path("bin/sluice"), extra: ["/var", "/tmp"], environment: nil
    ).places
    let own = prefix.path("share/sluice/plugins")
    #expect(places.map(\.directory) == ["/var", "/tmp", own] + PluginPlaces.shared)
    #expect(places.map(\.rank) == [0, 1, 2, 2, 2], "what is named is no equal of anything")
  }
}
