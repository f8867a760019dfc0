import CommandLine
import JSON
import System
import Testing

/// Backs an image up, looks at the archive with everybody's tools, restores it and compares.
struct RoundTrip {
  let place: Scratch
  /// Arguments beside the outputs, as `--image`.
  var arguments: [String] = []
  var user: UInt32?
  var build = Build.directory

  init(owner: UInt32? = nil) throws { place = try Scratch(owner: owner) }

  /// `sluice backup --image d=FILE --to raw=archive`; it must succeed without a trace.
  @discardableResult
  func backUp(_ images: [String], to archive: String = "archive") async throws -> Finding {
    let finding = try await run(
      ["backup"] + images.flatMap { ["--image", $0] } + ["--to", "raw=\(archive)"] + arguments)
    expectSuccess(finding)
    return finding
  }

  /// Stops a backup in the middle of its data; nothing may be left of the archive `x.FORMAT`.
  func expectNothingStopped(
    format: String, options: [String] = [], by signal: Int32
  ) async throws {
    try place.makeSparse("a.raw", bytes: 64 << 20, data: [(0, 60 << 20)])
    let program = try startSluice(
      [
        "backup", "--image", "d=a.raw", "--to", "\(format)=x.\(format)", "--rate-limit", "20M",
        "--json",
      ] + options.flatMap { ["--option", "\(format).\($0)"] }, in: place.directory)
    try #require(try await program.says("planned"))
    try await Task.sleep(for: .milliseconds(700))
    program.send(signal)
    let finding = try await program.finding()
    #expect(finding.status != 0 && finding.left == [])
    #expect(!place.exists("x.\(format)") && !place.exists("x.\(format).sluice.json"))
  }

  /// `sluice restore`, then `qemu-img compare` and `cmp`, which does not forgive a length.
  ///
  /// - Parameter disks: Name in the archive, and the image it was made from with its format.
  func expectRestored(
    _ disks: [(name: String, image: String, format: String)], from archive: String = "archive"
  ) async throws {
    expectSuccess(try await run(["verify", archive]))
    expectSuccess(try await run(["restore", archive, "--to", "restored"]))
    for disk in disks {
      let restored = "restored/\(disk.name).raw"
      try await place.shell(
        """
        qemu-img compare -f \(disk.format) -F raw '\(disk.image)' '\(restored)'
        qemu-img convert -f \(disk.format) -O raw '\(disk.image)' original.raw
        cmp '\(archive)/\(disk.name).raw' '\(restored)'
        """)
      let size = try await virtualSize(disk.image, disk.format)
      #expect(try place.status(restored).size == size)
      // qemu-img rounds a raw image up to sectors: the bytes behind its end are zeros.
      try await place.shell("cmp -n \(size) original.raw '\(restored)'")
    }
    try await place.shell("cd '\(archive)' && sha256sum -c --strict SHA256SUMS")
    #expect(try place.names().contains { $0.contains("sluice-") } == false)
  }

  func run(_ arguments: [String]) async throws -> Finding {
    try await sluice(arguments, in: place.directory, user: user, build: build)
  }

  func expectSuccess(_ finding: Finding) {
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.left == [])
  }

  /// `verify` found nothing wrong, and nothing that proves the data.
  func expectUnverified(_ finding: Finding) {
    #expect(finding.status == 1, "\(finding.errors)")
    #expect(finding.errors.contains("is not verified"), "\(finding.errors)")
    #expect(finding.left == [])
  }

  /// Bytes a guest sees: of a raw file exactly its length, which QEMU would round.
  private func virtualSize(_ image: String, _ format: String) async throws -> Int64 {
    if format == "raw" { return try place.status(image).size }
    let text = try await place.shell("qemu-img info --output=json -U '\(image)'")
    return try #require(try JSONValue(parsing: Array(text.utf8))["virtual-size"]?.integer)
  }
}
