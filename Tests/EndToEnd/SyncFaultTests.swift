import CommandLine
import System
import Testing

/// The calls that give an archive its name fail, one after the other (fault-shim/directory.c).
@Suite(.inTurns, .enabled(if: Build.has("cc"), "needs a C compiler")) struct SyncFaultTests {
  private let place: Scratch

  init() throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 1 << 20, data: [(0, 4096)])
  }

  private func buildShim() async throws {
    let source = try realPath("Tests/Support/fault-shim/directory.c")
    try await place.shell("mkdir -p dir && cc -shared -fPIC -o shim.so '\(source)' -ldl")
  }

  private func run(
    _ call: String, after count: Int, _ arguments: [String]
  ) async throws -> Finding {
    let program = try Program(
      [
        "/usr/bin/env", "LD_PRELOAD=\(place.path("shim.so"))", "SLUICE_FAULT_CALL=\(call)",
        "SLUICE_FAULT_DIR=\(place.path("dir"))", "SLUICE_FAULT_AFTER=\(count)",
        Build.directory + "/sluice",
      ] + arguments, in: place.directory)
    return try await program.finding()
  }

  @Test(arguments: [
    ["backup", "--image", "d=d.raw", "--to", "raw=dir/a"],
    ["backup", "--image", "d=d.raw", "--to", "vma=dir/a"],
    ["convert", "archive", "--to", "tar=dir/a"],
    ["restore", "archive", "--to", "dir/a"],
    ["restore", "archive", "--disk", "d=dir/a"],
    ["restore", "archive", "--disk", "d=dir/a,format=qcow2"],
  ])
  func `a directory that cannot be synced costs an archive its name, or is told`(
    arguments: [String]
  ) async throws {
    try await buildShim()
    let made = try await sluice(
      ["backup", "--image", "d=d.raw", "--to", "raw=archive"], in: place.directory)
    #expect(made.status == 0, "\(made.errors)")
    var failures = 0
    for count in 0..<4 {
      try await place.shell("rm -rf dir && mkdir dir")
      let finding = try await run("sync", after: count, arguments)
      let names = try place.names("dir")
      if finding.status == 0 { continue }
      failures += 1
      #expect(finding.status == 74, "\(finding.errors)")
      if names.isEmpty { continue }
      #expect(
        finding.errors.contains("the archive is complete and was renamed"),
        "\(names) \(finding.errors)")
      #expect(!finding.errors.contains("was not"), "\(finding.errors)")
      #expect(names.contains("a") && !names.contains { $0.hasPrefix(".") })
      if arguments[0] != "restore" {
        let verified = try await sluice(["verify", "dir/a"], in: place.directory)
        #expect(verified.status == 0, "\(verified.errors)")
      }
    }
    #expect(failures >= 2)
  }

  @Test func `a staging place that cannot be opened is removed`() async throws {
    try await buildShim()
    let finding = try await run(
      "open", after: 0, ["backup", "--image", "d=d.raw", "--to", "vma=dir/a"])
    #expect(finding.status == 74 || finding.status == 73, "\(finding.errors)")
    #expect(try place.names("dir") == [])
  }
}
