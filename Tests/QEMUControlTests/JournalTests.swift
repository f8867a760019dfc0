import CommandLine
import Glibc
import System
import Testing

@testable import QEMUControl

@Suite struct JournalTests {
  private let files: Scratch
  private var directory: String { files.path("state/journal") }

  init() throws { files = try Scratch() }

  private func contents(_ id: String = "0badcafe") throws -> JournalContents {
    JournalContents(
      mark: try #require(JobMark(id: id)), qmp: "/run/q", process: 42, started: 17, guestRan: true,
      agent: "/run/a")
  }

  /// The journal of a job whose owner is gone, once its lock is free: a process that another test
  /// just makes has a copy of the descriptor until its `exec`.
  private func stale(_ mark: JobMark) async throws -> Journal {
    var found: Journal?
    _ = try await eventually {
      guard case .stale(let journal) = try Journal.find(mark, in: directory) else { return false }
      found = journal
      return true
    }
    return try #require(found, "it is not stale")
  }

  @Test func `a journal is live while its owner holds it, then stale, then gone`() async throws {
    let contents = try contents()
    #expect(Journal.list(in: directory).isEmpty)
    var journal: Journal? = try Journal.create(contents, in: directory)
    #expect(Journal.list(in: directory) == [contents.mark])
    guard case .live(let seen) = try Journal.find(contents.mark, in: directory) else {
      Issue.record("it is not live")
      return
    }
    #expect(seen == contents)
    try journal?.update { ($0.ownsNBDServer, $0.isFrozen, $0.agent) = (true, true, nil) }
    journal = nil
    let left = try await stale(contents.mark)
    #expect(left.contents.ownsNBDServer && left.contents.isFrozen && left.contents.agent == nil)
    #expect(left.contents.knowledge == .init(ownsNBDServer: true, continuesGuest: true))
    // Whoever found it holds it now.
    guard case .live = try Journal.find(contents.mark, in: directory) else {
      Issue.record("two have it")
      return
    }
    left.remove()
    guard case .absent = try Journal.find(contents.mark, in: directory) else {
      Issue.record("it is there still")
      return
    }
    #expect(try files.names("state/journal") == [])
  }

  @Test func `a journal can be read without its lock, alive or dead`() async throws {
    let contents = try contents()
    #expect(Journal.peek(contents.mark, in: directory) == nil)
    var journal: Journal? = try Journal.create(contents, in: directory)
    #expect(journal != nil && Journal.peek(contents.mark, in: directory) == contents)
    journal = nil
    #expect(Journal.peek(contents.mark, in: directory) == contents)
    // Whoever holds the lock does not keep others from reading, nor they him from holding it.
    let left = try await stale(contents.mark)
    #expect(Journal.peek(contents.mark, in: directory) == contents)
    left.remove()
  }

  @Test func `one job has one journal`() throws {
    let first = try Journal.create(try contents(), in: directory)
    #expect(throws: SystemCallError.self) { try Journal.create(try contents(), in: directory) }
    #expect(try files.names("state/journal") == ["0badcafe.json"])
    #expect(try files.status("state/journal").permissions == 0o700)
    #expect(try files.status("state/journal/0badcafe.json").permissions == 0o600)
    first.remove()
  }

  @Test(arguments: ["", "{", "[]", "{\"nbd-server\": 7, \"process\": 1e300}", "\u{0}\u{0}"])
  func `a journal that cannot be read still names its job`(text: String) async throws {
    let journal = try Journal.create(try contents(), in: directory)
    journal.remove()
    try files.write("state/journal/0badcafe.json", Array(text.utf8))
    let left = try await stale(try contents().mark)
    #expect(left.mark.id == "0badcafe" && left.contents.guestRan && left.contents.qmp == "")
  }

  @Test func `other files in the directory are nobody's journal`() throws {
    let journal = try Journal.create(try contents(), in: directory)
    for name in ["x.json", ".0badcaff.1", "0badcaff", "0BADCAFF.json"] {
      try files.write("state/journal/\(name)", [])
    }
    #expect(Journal.list(in: directory).map(\.id) == ["0badcafe"])
    journal.remove()
  }
}
