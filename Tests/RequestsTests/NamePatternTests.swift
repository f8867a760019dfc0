import Testing

@testable import Requests

/// Names of archives in which placeholders stand.
@Suite struct NamePatternTests {
  private let time = "2026_01_31-21_00_00"

  @Test(arguments: [
    ("a", "a"), ("{vmid}", "101"), ("{time}", "2026_01_31-21_00_00"),
    ("vzdump-qemu-{vmid}-{time}.vma", "vzdump-qemu-101-2026_01_31-21_00_00.vma"),
    ("{vmid}{vmid}", "101101"), ("{{vmid}}", "{vmid}"), ("{{{vmid}}}", "{101}"), ("}}{{", "}{"),
    ("a b/{vmid}/c", "a b/101/c"),
  ])
  func `placeholders stand for what a backup is of`(pattern: String, path: String) throws {
    #expect(try NamePattern(parsing: pattern).path(vmID: "101", time: time) == path)
  }

  @Test(arguments: [
    ("{", Character("{")), ("a{", "{"), ("a}", "}"), ("}a", "}"), ("{{{", "{"), ("a}b{time}", "}"),
    ("{vmid", "{"),
  ])
  func `an unmatched brace is refused`(pattern: String, brace: Character) {
    #expect(throws: RequestError.unmatchedBrace(pattern: pattern, brace)) {
      try NamePattern(parsing: pattern)
    }
  }

  @Test(arguments: [("{}", ""), ("{vm}", "vm"), ("{VMID}", "VMID"), ("{ time}", " time")])
  func `an unknown placeholder is refused`(pattern: String, word: String) {
    #expect(throws: RequestError.unknownPlaceholder(pattern: pattern, word)) {
      try NamePattern(parsing: pattern)
    }
  }

  @Test(arguments: ["a/b", "..%", "a b", "ä", "1\n", String(repeating: "1", count: 65)])
  func `an id that could lead elsewhere is refused`(id: String) throws {
    let pattern = try NamePattern(parsing: "{vmid}")
    #expect(throws: RequestError.unusableVMID(id)) { try pattern.path(vmID: id, time: time) }
    #expect(throws: RequestError.unusableVMID(id)) { try pattern.requireUsable(id) }
  }

  @Test(arguments: ["1", "web-1", "a_b", "a.b", String(repeating: "1", count: 64)])
  func `an id of up to 64 letters and numbers is a part of a name`(id: String) throws {
    #expect(try NamePattern(parsing: "x{vmid}").path(vmID: id, time: time) == "x\(id)")
  }

  @Test func `an id that is not used may be anything`() throws {
    #expect(try NamePattern(parsing: "{time}").path(vmID: "../x", time: time) == time)
    #expect(throws: RequestError.unknownVMID) {
      try NamePattern(parsing: "{vmid}").path(vmID: "", time: time)
    }
  }

  @Test(arguments: [("a", true), ("{{vmid}}", true), ("{vmid}", false), ("{time}", false)])
  func `a plain name is the same at any time, for any VM`(text: String, isPlain: Bool) throws {
    #expect(try NamePattern(parsing: text).isPlain == isPlain)
  }

  @Test(arguments: [
    ("a/{time}", true), ("a/{{b}}/{vmid}-{time}.vma", true), ("{time}", true), ("a/b", true),
    ("{vmid}/a", false), ("a/{vmid}/{time}", false), ("a/x{time}/b", false),
  ])
  func `a directory is plain if no placeholder is in its name`(text: String, isPlain: Bool) throws {
    #expect(try NamePattern(parsing: text).isDirectoryPlain == isPlain)
  }

  @Test(arguments: ["{vmid}", "{{", "}", "a"])
  func `a literal name stands for nothing but itself`(text: String) throws {
    let name = NamePattern(literal: text)
    #expect(name.isPlain && name.text == text)
    #expect(try name.path(vmID: "", time: "") == text)
  }
}
