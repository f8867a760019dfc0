import BackupProtocol
import JSON
import Requests
import SharedPool
import Testing

@testable import BackupJobs
@testable import JobSupport

/// What a job consists of: names, order, limits.
@Suite struct BackupPlanTests {
  private func plan(
    _ disks: [String] = [], configs: [ConfigFile] = []
  ) throws(JobError) -> BackupPlan {
    try BackupPlan(
      SourceContents(
        instant: .epoch, machine: Job.Machine(), told: nil,
        disks: disks.map { BackupPlan.Disk(name: $0, role: "disk", size: 1 << 20) },
        configs: configs), outputs: [])
  }

  private func config(_ name: String, bytes: Int = 1) -> ConfigFile {
    ConfigFile(name: name, bytes: [UInt8](repeating: 7, count: bytes), role: "config")
  }

  private func expectUsage(
    _ words: String, _ disks: [String] = [], configs: [ConfigFile] = []
  ) {
    let error = #expect(throws: JobError.self) { _ = try plan(disks, configs: configs) }
    #expect(error?.status == .usage)
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }

  @Test func `nothing to back up is a usage error`() {
    expectUsage("nothing to back up")
  }

  @Test func `configurations come first, and streams are counted from 1`() throws {
    let plan = try plan(["a", "b"], configs: [config("vm.conf", bytes: 3)])
    #expect(plan.streams.map(\.name) == ["vm.conf", "a", "b"])
    #expect(plan.streams.map(\.id) == [1, 2, 3])
    #expect(plan.byteCount == 2 << 20 + 3)
  }

  @Test func `two streams of one name are refused, whatever they are`() {
    expectUsage("duplicate name \"a\"", ["a", "b", "a"])
    expectUsage("duplicate name \"a\"", ["a"], configs: [config("a")])
    expectUsage("duplicate name \"c\"", ["a"], configs: [config("c"), config("c")])
  }

  @Test func `a disk's name leaves room for its suffix in a file name`() throws {
    let longest = String(repeating: "x", count: 251)
    #expect(try plan([longest]).streams[0].name == longest)
    expectUsage("is too long: 252 bytes", [longest + "x"])
    // In bytes, not in characters.
    expectUsage("is too long: 252 bytes", [String(repeating: "é", count: 126)])
  }

  @Test func `a job has 1024 streams and no more`() throws {
    let names = (1...1024).map { "d\($0)" }
    #expect(try plan(names).streams.count == 1024)
    expectUsage("more than 1024", names + ["one"])
    expectUsage("more than 1024", names, configs: [config("one")])
  }

  @Test func `configurations have 64 MiB together and no more`() throws {
    let most = (1...4).map { config("c\($0)", bytes: 16 << 20) }
    #expect(try plan(configs: most).byteCount == 64 << 20)
    expectUsage("exceed 64 MiB in total", configs: most + [config("one")])
  }

  @Test func `a pool has the slots that the neediest plugin wants`() throws {
    #expect(BackupPlan.shape([]).slotCount == 16)
    #expect(BackupPlan.shape([], slotCount: 64).slotCount == 64)
    let raw = try Surroundings.test().format("raw")
    let output = BackupPlan.Output(
      label: "raw", place: .path(NamePattern(literal: "x")), chosen: raw, kind: .directory,
      options: [:])
    #expect(BackupPlan.shape([output], slotCount: 2).slotCount == 4)
  }
}
