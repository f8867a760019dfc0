import CommandLine
import Glibc
import System
import Testing

@testable import QEMUControl

/// A user without a home has a place in /tmp, where others were first if they wanted to.
@Suite(.alone, .serialized) struct StateDirectoryTests {
  private let shelter = "/tmp/sluice-\(geteuid())"

  @Test func `a place in tmp that somebody else made is not trusted`() throws {
    try #require(access(shelter, F_OK) != 0, "\(shelter) is in the way")
    defer {
      unlink(shelter)
      rmdir(shelter)
    }
    #expect(!StateDirectory.isTrusted(shelter + "/journal"))
    #expect(StateDirectory.isTrusted("/var/lib/sluice"))
    mkdir(shelter, 0o755)
    #expect(!StateDirectory.isTrusted(shelter + "/journal"))
    chmod(shelter, 0o700)
    #expect(StateDirectory.isTrusted(shelter + "/journal"))
    if geteuid() == 0 {
      chown(shelter, 65534, 65534)
      #expect(!StateDirectory.isTrusted(shelter + "/journal"))
      #expect(throws: SystemCallError.self) { try StateDirectory.made(shelter + "/journal") }
    }
    rmdir(shelter)
    symlink("/var/tmp", shelter)
    #expect(!StateDirectory.isTrusted(shelter + "/journal"))
  }
}
