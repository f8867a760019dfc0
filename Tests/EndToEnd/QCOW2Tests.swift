import CommandLine
import JSON
import System
import Testing

/// Archives of qcow2 images, by the program as a user runs it: plugin in its sandbox.
@Suite(.inTurns, .enabled(if: Build.has("qemu-img"), "needs qemu-img"))
struct QCOW2Tests {
  private let scene: VMAScene
  private var trip: RoundTrip { scene.trip }
  private var place: Scratch { scene.place }

  init() throws { scene = try VMAScene() }

  private func backUp(_ arguments: [String]) async throws {
    try await scene.makeSources()
    trip.expectSuccess(try await trip.run(["backup"] + VMAScene.sources + arguments))
  }

  private func expectImages(_ archive: String) async throws {
    try await place.shell(
      """
      set -e
      for disk in 0:a 1:b; do
        image=\(archive)/drive-scsi${disk%:*}.qcow2
        qemu-img check $image | grep -q 'No errors were found'
        qemu-img compare -f raw -F qcow2 ${disk#*:}.raw $image
      done
      cmp qemu-server.conf \(archive)/qemu-server.conf
      """)
  }

  @Test(arguments: ["none", "zstd", "zlib"], ["auto", "off"])
  func `disks become images, and come back as they were`(
    compress: String, memory: String
  ) async throws {
    try await backUp([
      "--to", "qcow2=x", "--to", "raw=archive", "--option", "qcow2.compress=\(compress)",
      "--shared-memory", memory,
    ])
    try await expectImages("x")
    try await scene.expectRestored("x")
    let receipts = try ["x", "archive"].map { archive in
      try JSONValue(parsing: place.bytes("\(archive)/manifest.json"))["streams"]?.array?
        .map { $0["digest"] }
    }
    #expect(receipts[0] == receipts[1])
    let listing = try await trip.run(["list", "x"])
    #expect(listing.output.contains("format   qcow2") && listing.output.contains("drive-scsi1"))
  }

  @Test func `an archive is converted from and to images`() async throws {
    try await backUp(["--to", "vma=x.vma"])
    try await scene.expectShell(
      """
      sluice convert x.vma --to qcow2=y --option qcow2.compress=zstd &&
      sluice convert y --to qcow2=z && sluice convert z --to tar=x.tar
      """)
    try await expectImages("y")
    try await expectImages("z")
    try await scene.expectRestored("x.tar")
  }

  @Test(arguments: [2, 15] as [Int32], [[], ["compress=zstd"]])
  func `a backup that is called off leaves nothing`(
    signal: Int32, options: [String]
  ) async throws {
    try await trip.expectNothingStopped(format: "qcow2", options: options, by: signal)
  }

  @Test func `a disk that no image can be is refused before anything is made`() async throws {
    try place.makeSparse("a.raw", bytes: 1000)
    let finding = try await trip.run(["backup", "--image", "d=a.raw", "--to", "qcow2=x"])
    #expect(finding.status != 0 && finding.errors.contains("not a multiple of 512"))
    #expect(try place.names() == ["a.raw"])
  }
}
