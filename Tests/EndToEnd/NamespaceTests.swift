import CommandLine
import Testing

/// Containers: the id that plugins should have does not exist there, or root may not give it.
@Suite(
  .inTurns, .enabled(if: Build.isRoot && Build.has("unshare"), "needs root and unshare"))
struct NamespaceTests {
  @Test func `in a namespace of one id, plugins run with that, and a layer is missing`()
    async throws
  {
    let place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 4096)])
    let sluice = ["/usr/bin/unshare", "--user", "--map-root-user", Build.directory + "/sluice"]
    for format in ["raw", "vma"] {
      let backup = ["backup", "--image", "d=d.raw", "--to", "\(format)=a.\(format)"]
      let finding = try await Program(sluice + backup, in: place.directory).finding()
      #expect(finding.status == 0, "\(finding.errors)")
      #expect(finding.errors.contains("separate user ID"))
      let verified = try await Program(sluice + ["verify", "a.\(format)"], in: place.directory)
        .finding()
      #expect(verified.status == 0, "\(verified.errors)")
    }
    let strict = try await Program(
      sluice + ["backup", "--image", "d=d.raw", "--to", "raw=b", "--sandbox", "strict"],
      in: place.directory
    ).finding()
    #expect(strict.status == 69, "\(strict.errors)")
    let doctor = try await Program(sluice + ["doctor"], in: place.directory).finding()
    #expect(doctor.output.contains("does not exist in this user namespace"))
  }

  /// What `docker run --cap-drop` and `CapabilityBoundingSet=` leave of root.
  @Test(arguments: [
    "-all", "-setuid", "-chown", "-dac_override", "-fowner", "-sys_admin", "-setpcap", "-kill",
  ])
  func `root without capabilities backs up, and layers are missing`(
    dropped: String
  ) async throws {
    let place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 4096)])
    let sluice =
      ["/usr/bin/setpriv", "--bounding-set", dropped, "--inh-caps", "-all"]
      + [Build.directory + "/sluice"]
    for format in ["raw", "vma"] {
      let backup = ["backup", "--image", "d=d.raw", "--to", "\(format)=a.\(format)"]
      let finding = try await Program(sluice + backup, in: place.directory).finding()
      #expect(finding.status == 0, "\(finding.errors)")
      let keepsUser = ["-sys_admin", "-setpcap", "-kill"].contains(dropped)
      #expect(finding.errors.contains("separate user ID") == !keepsUser, "\(finding.errors)")
      for words in [["verify", "a.\(format)"], ["restore", "a.\(format)", "--to", "r.\(format)"]] {
        let read = try await Program(sluice + words, in: place.directory).finding()
        #expect(read.status == 0, "\(read.errors)")
      }
    }
    #expect(try place.names().count == 6)
  }
}
