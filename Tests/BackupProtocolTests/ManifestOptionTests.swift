import BackupProtocol
import JSON
import Testing

/// Options belong to a format of a plugin (protocol.md §2.3).
@Suite struct ManifestOptionTests {
  private static func manifest(format: String = "", top: String = "") -> [UInt8] {
    Array(
      """
      {"manifest": 1, "name": "x", "version": "1", "executable": "x", "protocol": [1],
       "formats": [{"name": "a", "modes": ["write"], "output": ["file"]\(format)},
                   {"name": "b", "modes": ["write"], "output": ["pipe"]}]\(top)}
      """.utf8)
  }

  private static let option = #", "options": [{"name": "level", "type": "integer", "max": 9}]"#

  @Test func `a format has its own options, and another one of the plugin has none`() throws {
    let manifest = try Manifest(parsing: Self.manifest(format: Self.option))
    #expect(manifest.formats.map { $0.options.map(\.name) } == [["level"], []])
    #expect(manifest.formats[0].options[0].value("9") == .integer(9))
    #expect(manifest.formats[0].options[0].value("10") == nil)
  }

  @Test(arguments: [
    #""type": "integer", "max": 9, "default": 10"#, #""type": "integer", "default": "3""#,
    #""type": "bool", "default": "yes""#, #""type": "choice", "choices": ["a"], "default": "b""#,
    #""type": "string", "default": 1"#,
  ])
  func `a default that the option itself would refuse is refused with the manifest`(
    _ members: String
  ) {
    let bytes = Self.manifest(format: #", "options": [{"name": "o", \#(members)}]"#)
    let error = #expect(throws: ManifestError.self) { try Manifest(parsing: bytes) }
    #expect(error.map { "\($0)" }?.contains("options.default") == true)
  }

  @Test func `options of a manifest as a whole are refused, and the message says where they go`() {
    let bytes = Self.manifest(top: Self.option)
    let error = #expect(throws: ManifestError.self) { try Manifest(parsing: bytes) }
    #expect(error.map { "\($0)" }?.contains("not a member of a format") == true)
  }
}

/// What an archive of a format can hold (protocol.md §2.3).
@Suite struct ManifestStreamsTests {
  private static func format(_ member: String) throws -> ManifestFormat {
    let text = """
      {"manifest": 1, "name": "x", "version": "1", "executable": "x", "protocol": [1],
       "formats": [{"name": "a", "modes": ["write"], "output": ["file"]\(member)}]}
      """
    return try Manifest(parsing: Array(text.utf8)).formats[0]
  }

  @Test func `are disks and configurations where nothing else is said`() throws {
    #expect(try Self.format("").streams == [.disk, .config])
    #expect(try Self.format(#", "streams": ["vmstate", "disk"]"#).streams == [.vmstate, .disk])
  }

  @Test func `of a kind that only later hosts know say nothing`() throws {
    #expect(try Self.format(#", "streams": ["disk", "hologram"]"#).streams == [.disk])
    #expect(try Self.format(#", "streams": ["hologram"]"#).streams == [])
  }

  @Test(arguments: ["[]", "\"disk\"", "[1]", "{}", "[\"disk\", null]"])
  func `are a list of words that is not empty`(streams: String) {
    let error = #expect(throws: ManifestError.self) {
      try Self.format(#", "streams": \#(streams)"#)
    }
    #expect(error.map { "\($0)" }?.contains("streams") == true)
  }
}
