import CommandLine
internal import BackupProtocol
import Glibc
import JSON
import System
import Testing

@testable import PluginHost

/// What jobs leave that die, and what only looks like it.
struct StagingLeftoversTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// A process of this machine that has ended.
  private static let dead = StagingMark.Process(
    machine: StagingMark.Process.current.machine, boot: StagingMark.Process.current.boot,
    space: StagingMark.Process.current.space, id: Int64(getpid()), started: -1)

  private static let beforeTheLastStart = StagingMark.Process(
    machine: StagingMark.Process.current.machine, boot: "another", space: 7, id: 1, started: 1)

  private static let ofAnotherMachine = StagingMark.Process(
    machine: "0000", boot: "another", space: 7, id: 1, started: 1)

  @discardableResult
  private func leave(
    _ target: String, _ number: Int, _ process: StagingMark.Process, isLocked: Bool = true
  ) throws -> String {
    let name = StagingName.make(target, id: jobID(number))
    mkdir(scratch.directory + "/" + name, 0o700)
    mkdir(scratch.path("\(name)/archive"), 0o700)
    try scratch.make(name + "/archive/d.raw")
    let mark = StagingMark(job: jobID(number), process: process, isLocked: isLocked)
    try scratch.make(name + "/mark", String(decoding: mark.bytes, as: UTF8.self))
    return name
  }

  /// What is there while the next job runs, apart from its own place.
  private func namesDuringNextJob(_ target: String = "next") throws -> [String] {
    let place = try StagingPlace(
      target: scratch.directory + "/" + target, kind: .directory, id: jobID(99))
    return try scratch.names().filter { $0 != place.room.name }
  }

  @Test func `what a dead job left goes with the next job, whatever its archive's name`() throws {
    try leave("monday", 1, Self.dead)
    try leave("tuesday", 2, Self.beforeTheLastStart)
    #expect(try namesDuringNextJob() == [])
  }

  @Test func `a place that a living job holds stays`() throws {
    let first = try StagingPlace(
      target: scratch.path("next"), kind: .directory, id: jobID(1))
    #expect(try namesDuringNextJob("other") == [first.room.name])
  }

  @Test func `a name that a job is at work on is refused to another`() throws {
    let target = scratch.path("next")
    do {
      let first = try StagingPlace(target: target, kind: .directory, id: jobID(1))
      #expect(throws: PublishingError.self) { try namesDuringNextJob() }
      #expect(throws: PublishingError.self) { try StagingPlace.requireUntaken(target) }
      #expect(try scratch.names() == [first.room.name])
    }
    try StagingPlace.requireUntaken(target)
    #expect(try namesDuringNextJob() == [])
  }

  @Test func `what is no living job's does not take a name`() throws {
    try leave("next", 1, Self.ofAnotherMachine)
    try leave("next", 2, Self.beforeTheLastStart, isLocked: false)
    mkdir(scratch.path(StagingName.make("next", id: jobID(3))), 0o700)
    try StagingPlace.requireUntaken(scratch.path("next"))
  }

  @Test func `a lock keeps a place, whatever its mark says`() throws {
    let name = try leave("monday", 1, Self.dead)
    let holder = try openFile(scratch.path("\(name)/mark"), flags: O_RDWR)
    flock(holder.raw, LOCK_EX)
    #expect(try namesDuringNextJob() == [name])
  }

  @Test func `what another machine left stays`() throws {
    let name = try leave("monday", 1, Self.ofAnotherMachine)
    #expect(try namesDuringNextJob() == [name])
  }

  @Test func `where there is no lock, a process of another pid namespace keeps its place`() throws {
    let here = StagingMark.Process.current
    let elsewhere = StagingMark.Process(
      machine: here.machine, boot: here.boot, space: 7, id: 1, started: 1)
    let name = try leave("monday", 1, elsewhere, isLocked: false)
    #expect(try namesDuringNextJob() == [name])
  }

  @Test func `the user's own files are never taken for leftovers`() throws {
    let id = jobID(1)
    try scratch.make(".next.sluice-notes.txt")
    try scratch.make(".next.sluice-tuesday.vma")
    try scratch.make(".next.sluice-\(id)x")
    try scratch.make(".next.sluice-\(jobID(2))")
    for folder in [".next.sluice-monday", ".next.sluice-photos", ".next.sluice-\(id)"] {
      mkdir(scratch.directory + "/" + folder, 0o700)
      try scratch.make(folder + "/mine")
    }
    let before = try scratch.names()
    #expect(try namesDuringNextJob() == before)
    #expect(try listDirectory(scratch.path(".next.sluice-\(id)")) == ["mine"])
  }

  @Test func `a mark that is none, or another job's, makes no leftover`() throws {
    let other = try leave("monday", 1, Self.dead)
    rename(scratch.directory + "/" + other, scratch.directory + "/.monday.sluice-" + jobID(2))
    let empty = ".monday.sluice-" + jobID(3)
    mkdir(scratch.directory + "/" + empty, 0o700)
    try scratch.make(empty + "/mark", "{}")
    #expect(try namesDuringNextJob().count == 2)
  }

  @Test func `links are not followed`() throws {
    let outside = try Scratch()
    try outside.make("precious")
    let name = try leave("monday", 1, Self.dead)
    symlink(outside.directory, scratch.path("\(name)/archive/link"))
    symlink(outside.directory, scratch.path("\(name)/receipt"))
    symlink(outside.directory, scratch.directory + "/.monday.sluice-" + jobID(4))
    #expect(try namesDuringNextJob() == [".monday.sluice-" + jobID(4)])
    #expect(try outside.names() == ["precious"])
  }

  @Test func `a job that died before its mark was written leaves nothing for long`() throws {
    mkdir(scratch.directory + "/.monday.sluice-" + jobID(1), 0o700)
    mkdir(scratch.directory + "/.monday.sluice-" + jobID(2), 0o700)
    try scratch.make(".monday.sluice-\(jobID(2))/mark", "")
    #expect(try namesDuringNextJob() == [])
  }

  @Test func `a receipt of a dead job goes, if its archive has no name`() throws {
    try scratch.make("monday.sluice.json", receipt(jobID(1)))
    try leave("monday", 1, Self.dead)
    #expect(try namesDuringNextJob() == [])
  }

  @Test func `a receipt stays that is another job's, or whose archive is there`() throws {
    try scratch.make("monday.sluice.json", receipt(jobID(5)))
    try leave("monday", 1, Self.dead)
    try scratch.make("tuesday.sluice.json", receipt(jobID(2)))
    try scratch.make("tuesday")
    try leave("tuesday", 2, Self.dead)
    try scratch.make("wednesday.sluice.json", receipt(jobID(3)))
    #expect(
      try namesDuringNextJob() == [
        "monday.sluice.json", "tuesday", "tuesday.sluice.json", "wednesday.sluice.json",
      ])
  }

  private func receipt(_ job: String) -> String {
    let receipt = Receipt(
      job: job, format: "raw", instant: Timestamp("2026-01-31T20:00:00Z"),
      vm: Job.Machine(), tools: [], streams: [])
    return String(decoding: JSONValue.object(receipt.object).serialised(.indented), as: UTF8.self)
  }
}
