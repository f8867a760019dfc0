import QEMUControl
import Requests
import Testing

@testable import JobSupport
@testable import LiveBackup

/// Which drives of a running machine are backed up.
@Suite struct GuestSelectionTests {
  private let machine = GuestMachine.test([
    .test("a"), .test("b"), .test("cd", exclusion: .cdrom), .test("tray", exclusion: .empty),
    .test("scsi", exclusion: .passthrough),
  ])

  private func selection(
    _ disks: [String] = [], excluded: [String] = []
  ) throws(JobError) -> GuestSelection {
    var request = GuestRequest(socket: "")
    request.disks = disks
    request.excluded = excluded
    return try GuestSelection(machine, request)
  }

  @Test func `all disks are, and why others are not is told`() throws {
    let usual = try selection()
    #expect(usual.chosen.map(\.name) == ["a", "b"])
    #expect(
      usual.omissions == [
        "cd: not backed up: a CD-ROM", "tray: not backed up: no medium",
        "scsi: not backed up: passed through to the guest",
      ])
  }

  @Test func `what is asked for is, a CD too, and nothing else`() throws {
    #expect(try selection(["cd", "b"]).chosen.map(\.name) == ["b", "cd"])
    let rest = try selection(excluded: ["a"])
    #expect(rest.chosen.map(\.name) == ["b"])
    #expect(rest.omissions.first == "a: not backed up: excluded")
  }

  @Test func `a disk that the machine lacks is refused with those it has`() {
    let error = #expect(throws: JobError.self) { _ = try selection(["c"]) }
    #expect(error?.remedy == "available: a, b, cd, tray, scsi")
  }

  @Test(arguments: [
    (["c"], [], "the machine has no disk \"c\""), ([], ["c"], "the machine has no disk \"c\""),
    (["tray"], [], "tray has no medium"), (["scsi"], [], "scsi is passed through to the guest"),
    ([], ["a", "b"], "no disks to back up"),
  ])
  func `what cannot be backed up is a usage error`(
    disks: [String], excluded: [String], words: String
  ) {
    let error = #expect(throws: JobError.self) { _ = try selection(disks, excluded: excluded) }
    #expect(error?.status == .usage)
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }
}
