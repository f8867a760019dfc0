import CommandLine
import Glibc
import System
import Testing

@testable import QEMUControl

@Suite struct BitmapTimesTests {
  private let files: Scratch
  private let times: BitmapTimes
  private let names: [BitmapName]

  init() throws {
    files = try Scratch()
    times = BitmapTimes(directory: files.path("state/bitmaps"))
    names = try (1...3).map { number in
      try #require(BitmapName(job: String(repeating: "\(number)", count: 32)))
    }
  }

  @Test func `the time of a backup is known until its bitmaps are gone`() throws {
    #expect(times.seconds(of: names[0]) == nil)
    times.note(names[0], seconds: 1_700_000_000.7, qmp: "/a")
    times.note(names[1], seconds: 1_800_000_000, qmp: "/a")
    times.note(names[2], seconds: 1_900_000_000, qmp: "/b")
    #expect(times.seconds(of: names[0]) == 1_700_000_000)
    // Those of another machine stay.
    times.keep(only: [names[1].job], of: "/a")
    #expect(names.map { times.seconds(of: $0) != nil } == [false, true, true])
    times.forget(names[1])
    times.forget(names[1])
    #expect(try files.names("state/bitmaps") == [names[2].job])
    #expect(try files.status("state/bitmaps/\(names[2].job)").permissions == 0o600)
  }

  @Test(arguments: ["", "{", "[]", #"{"instant":"yesterday"}"#, #"{"instant":1e99}"#])
  func `a file that says nothing is no time, and stays`(text: String) async throws {
    times.note(names[0], seconds: 1, qmp: "/a")
    let file = "state/bitmaps/\(names[0].job)"
    try await files.shell("printf %s '\(text)' >\(file); touch state/bitmaps/other")
    #expect(times.seconds(of: names[0]) == nil)
    times.keep(only: [], of: "/a")
    #expect(try files.names("state/bitmaps") == [names[0].job, "other"])
  }

  @Test func `the times of a job are beside its journal`() throws {
    let mark = try #require(JobMark(id: "0badcafe"))
    let journal = try Journal.create(
      JournalContents(mark: mark, qmp: "/a", process: getpid(), started: 1, guestRan: true),
      in: files.path("state/journal"))
    BitmapTimes(beside: journal).note(names[0], seconds: 5, qmp: "/a")
    #expect(times.seconds(of: names[0]) == 5)
  }
}
