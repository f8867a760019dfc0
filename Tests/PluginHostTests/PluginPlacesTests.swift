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
}
