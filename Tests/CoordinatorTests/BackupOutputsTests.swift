import BackupProtocol
import CommandLine
import JSON
import Requests
import Testing

@testable import BackupJobs
@testable import JobSupport

/// Which archives are made: formats, labels, options, places.
@Suite struct BackupOutputsTests {
  private func outputs(
    _ wanted: [String],
    _ change: (inout BackupRequest) throws -> Void = { _ in }
  ) throws -> [BackupPlan.Output] {
    var request = BackupRequest()
    request.outputs = try wanted.map { try .init(parsing: $0) }
    try change(&request)
    return try BackupPlan.outputs(request, .test())
  }

  private func expectRefused(
    _ words: String, _ wanted: [String],
    status: CommandStatus = .usage, _ change: (inout BackupRequest) throws -> Void = { _ in }
  ) {
    let error = #expect(throws: JobError.self) { _ = try outputs(wanted, change) }
    #expect(error?.status == status)
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
  }

  @Test func `a job without an output is a usage error`() {
    expectRefused("no output specified", [])
  }

  @Test func `each output is what its plugin makes of its place`() throws {
    let made = try outputs([
      "raw=a", "vma=b", "tar=-",
    ])
    #expect(made.map(\.kind) == [.directory, .file, .pipe])
    #expect(made.map(\.writesOwnReceipt) == [true, false, false])
  }

  @Test func `two outputs of one name are refused, and labels tell them apart`() throws {
    expectRefused(
      "duplicate output name \"raw\"", ["raw=a", "raw=b"])
    expectRefused(
      "duplicate output name \"x\"", ["raw:x=a", "vma:x=b"])
    let made = try outputs(["raw=a", "raw:x=b"])
    #expect(made.map(\.label) == ["raw", "x"])
  }

  @Test func `one archive goes to standard output, not two`() throws {
    let two: [String] = [
      "vma=-", "tar=-",
    ]
    expectRefused("only one archive can go to standard output", two)
    let made = try outputs([two[0], "tar=|cat"])
    #expect(made.map(\.kind) == [.pipe, .pipe])
  }

  @Test func `what no plugin can do is told with what can be done`() {
    expectRefused(
      "no plugin installed for format \"zip\"", ["zip=a"], status: .unavailable)
    expectRefused(
      "cannot be written to a pipe", ["raw=-"], status: .unavailable)
  }

  @Test func `an option belongs to one output, by its label`() throws {
    let wanted: [String] = [
      "raw=a", "raw:x=b",
    ]
    let made = try outputs(wanted) {
      $0.options = [try .init(parsing: "x.sha256sums=true")]
    }
    #expect(made.map { $0.options["sha256sums"] } == [false, true])
    expectRefused("no output for option y.sha256sums", wanted) {
      $0.options = [try .init(parsing: "y.sha256sums=true")]
    }
    expectRefused("has no option \"nothing\"", wanted) {
      $0.options = [try .init(parsing: "x.nothing=1")]
    }
    expectRefused("invalid value \"perhaps\" of option x.sha256sums", wanted) {
      $0.options = [try .init(parsing: "x.sha256sums=perhaps")]
    }
  }

  @Test func `a receipt is saved of exactly one stream`() throws {
    let save: (inout BackupRequest) throws -> Void = { $0.savedReceipt = "r.json" }
    expectRefused(
      "exactly one output that is a stream", ["raw=a"],
      save)
    let two: [String] = [
      "vma=-", "tar=|cat",
    ]
    expectRefused("exactly one output that is a stream", two, save)
    #expect(try outputs([two[0], "raw=a"], save).count == 2)
  }

  @Test func `an archive that is there is found before anything is started`() throws {
    let place = try Scratch()
    try place.create("there", [])
    let free = try outputs(["raw=\(place.path("free"))"])
    try BackupPlan.refuseTaken(free)
    let taken = try outputs([
      "raw=\(place.path("free"))", "vma=\(place.path("there"))",
    ])
    let error = #expect(throws: JobError.self) { try BackupPlan.refuseTaken(taken) }
    #expect(error?.status == .cannotCreate)
    #expect(error?.description == "cannot create \(place.path("there")): already exists")
    // What goes through a pipe has no name that could be taken.
    try BackupPlan.refuseTaken(try outputs(["vma=|\(place.path("there"))"]))
  }

  @Test(arguments: ["..", ".", "/"])
  func `a path without a file name is refused before anything is started`(path: String) throws {
    let made = try outputs(["raw=\(path)"])
    let error = #expect(throws: JobError.self) { try BackupPlan.refuseTaken(made) }
    #expect(error?.status == .usage && error?.message.contains("is not a file name") == true)
  }
}
