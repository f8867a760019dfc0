import BackupProtocol
import Testing

/// What a manifest says of how its executable is started, and of its host (protocol.md §2.3).
@Suite struct ManifestProfileTests {
  private static func parse(_ members: String, host: String? = nil) throws -> Manifest {
    let text = """
      {"manifest": 1, "name": "x", "version": "1", "executable": "x", "protocol": [1],
       "formats": [{"name": "a", "modes": ["write"], "output": ["file"]}]\(members)}
      """
    return try Manifest(parsing: Array(text.utf8), host: host.flatMap { ReleaseVersion($0) })
  }

  private func complaint(_ members: String, host: String? = nil) throws -> String {
    let error = #expect(throws: ManifestError.self) { try Self.parse(members, host: host) }
    return error.map { "\($0)" } ?? ""
  }

  @Test func `an interpreter goes with the profiles of scripts, and with no other`() throws {
    let path = #", "interpreter": "/usr/bin/python3""#
    for profile in ["python", "perl", "commands"] {
      let manifest = try Self.parse(#", "profile": "\#(profile)""# + path)
      #expect(manifest.profile.rawValue == profile && manifest.interpreter == "/usr/bin/python3")
      let complaint = try complaint(#", "profile": "\#(profile)""#)
      #expect(complaint.contains("its profile \"\(profile)\" needs \"interpreter\""))
    }
    for profile in ["", #", "profile": "static""#, #", "profile": "dynamic""#] {
      #expect(try Self.parse(profile).interpreter == nil)
      #expect(
        try complaint(profile + path)
          .contains("goes with the profile \"python\", \"perl\" or \"commands\", not with"))
    }
  }

  @Test(arguments: [#""""#, #""python3""#, "7", "[]"])
  func `an interpreter is an absolute path`(value: String) throws {
    let complaint = try complaint(#", "profile": "python", "interpreter": \#(value)"#)
    #expect(complaint == #""interpreter" is not an absolute path"#)
  }

  @Test func `programs are listed for the profile commands, and for no other`() throws {
    let shell = #", "profile": "commands", "interpreter": "/usr/bin/sh""#
    let list = #", "commands": ["/usr/bin/cat", "/usr/bin/zstd"]"#
    #expect(try Self.parse(shell).commands == [])
    #expect(try Self.parse(shell + list).commands == ["/usr/bin/cat", "/usr/bin/zstd"])
    #expect(
      try complaint(list) == #""commands" goes with the profile "commands", not with "static""#)
    let python = #", "profile": "python", "interpreter": "/usr/bin/python3""#
    #expect(try complaint(python + list).hasSuffix(#"not with "python""#))
  }

  @Test(arguments: [
    #""/usr/bin/cat""#, #"["cat"]"#, #"[""]"#, "[7]", #"["/usr/bin/"]"#, #"["/usr/../bin/cat"]"#,
  ])
  func `programs are listed by absolute paths`(value: String) throws {
    let members = #", "profile": "commands", "interpreter": "/usr/bin/sh", "commands": \#(value)"#
    #expect(try complaint(members) == #""commands" is not a list of at most 64 absolute paths"#)
  }

  @Test(arguments: [(64, true), (65, false)])
  func `a script starts 64 programs at most`(count: Int, isAccepted: Bool) throws {
    let list = (0..<count).map { "\"/usr/bin/p\($0)\"" }.joined(separator: ", ")
    let members =
      #", "profile": "commands", "interpreter": "/usr/bin/sh", "commands": [\#(list)]"#
    #expect(((try? Self.parse(members)) != nil) == isAccepted)
  }

  @Test(arguments: ["node", "Python", ""])
  func `a profile that there is not is answered with those that there are`(name: String) throws {
    #expect(
      try complaint(#", "profile": "\#(name)""#)
        == #""profile" is none of "static", "dynamic", "python", "perl", "commands""#)
  }

  @Test(arguments: [
    ("0.1.0", "0.1.0", true), ("0.1.0", "0.1.1", true), ("0.1.1", "0.1.0", false),
    ("0.10.0", "0.9.9", false), ("1.0.0", "0.99.99", false), ("0.9.9", "0.10.0", true),
  ])
  func `a host that is too old is told both versions`(
    needed: String, host: String, isEnough: Bool
  ) throws {
    let member = #", "min_host": "\#(needed)""#
    if isEnough {
      #expect(try Self.parse(member, host: host).hostVersionMin == ReleaseVersion(needed))
    } else {
      #expect(
        try complaint(member, host: host)
          == "it needs Sluice \(needed) or later, and this is \(host)")
      // Whoever only reads a manifest is no host.
      _ = try Self.parse(member)
    }
  }

  @Test func `the version comes before what only a later host knows`() throws {
    let members = #", "min_host": "9.0.0", "profile": "wasm", "needs": ["network"]"#
    #expect(try complaint(members, host: "0.1.0").hasPrefix("it needs Sluice 9.0.0"))
  }

  @Test(arguments: ["1", "1.2", "1.2.3.4", "1.2.x", "v1.2.3", "1.2.3-rc1", "01.2.3", "1..3", ""])
  func `a version is three numbers`(text: String) throws {
    #expect(ReleaseVersion(text) == nil)
    let complaint = try complaint(#", "min_host": "\#(text)""#, host: "0.1.0")
    #expect(complaint.contains("\"min_host\" is not a version of three numbers"))
  }

  @Test func `members of this version may be required, others may not`() throws {
    _ = try Self.parse(#", "require": ["profile", "min_host"]"#)
    #expect(try complaint(#", "require": ["signature"]"#).contains("requires \"signature\""))
  }
}
