import CommandLine
import System
import Testing

/// States of machines that are damaged, or not as long as an archive says.
@Suite(.inTurns, .enabled(if: MachineStateScene.hasTools, "needs python3"))
struct MachineStateDamageTests {
  private let scene: MachineStateScene
  private var place: Scratch { scene.place }

  init() throws { scene = try MachineStateScene() }

  private static let clusters = (MachineStateScene.stateBytes + 65535) / 65536

  /// An archive of Proxmox VE whose header says `size`, and that has so many clusters.
  private func makeVMA(size: Int, clusters: Int) async throws {
    try await place.shell("python3 make-vma.py vmstate.bin \(size) \(clusters) > x.vma")
  }

  @Test func `what the header of a VMA says is what is read`() async throws {
    try await makeVMA(size: MachineStateScene.stateBytes, clusters: Self.clusters)
    try await scene.expectShell(
      """
      sluice restore x.vma --to r && cmp vmstate.bin r/vmstate.bin &&
      sluice restore - --format vma --to p < x.vma && diff -r r p &&
      sluice convert - --format vma --to raw=c < x.vma && cmp vmstate.bin c/vmstate.bin
      """)
  }

  @Test(arguments: [("short", 52, "lacks cluster 47"), ("long", 20, "longer than the header says")])
  func `a state of another length than its header says is damaged, never empty`(
    name: String, clustersTold: Int, words: String
  ) async throws {
    let clusters = name == "short" ? 47 : Self.clusters
    try await makeVMA(size: clustersTold * 65536 - 5, clusters: clusters)
    for verb in [
      "restore x.vma --to r", "verify x.vma", "convert x.vma --to raw=r",
      "read x.vma --disk vmstate > /dev/null", "read x.vma --disk vmstate --output r",
      "restore - --format vma --to r < x.vma",
    ] {
      try await scene.expectShell("sluice \(verb)", status: 65, says: words)
    }
    #expect(!place.exists("r"))
    try await scene.expectShell("sluice restore x.vma --to r --skip vmstate", says: "r is complete")
    #expect(try place.names("r") == ["d.raw"])
    try await scene.expectShell("sluice restore x.vma --to k --keep-damaged", status: 65)
    // One that is too long shows at the archive's end, and nothing proves the disk.
    let disk = name == "short" ? "d.raw" : "d.raw.incomplete"
    #expect(try place.names("k") == [disk, "vmstate.bin.incomplete"])
    #expect(try place.status("k/vmstate.bin.incomplete").size == Int64(clustersTold * 65536 - 5))
    let sound = min(clusters, clustersTold - 1) * 65536
    try await place.shell(
      "cmp -n \(sound) vmstate.bin k/vmstate.bin.incomplete && cmp r/d.raw k/\(disk)")
  }

  @Test func `a size of zero in a VMA is no empty state`() async throws {
    try await makeVMA(size: 0, clusters: 3)
    for verb in ["restore x.vma --to r", "verify x.vma", "convert x.vma --to raw=r"] {
      try await scene.expectShell("sluice \(verb)", status: 65, says: "device 1")
    }
    #expect(!place.exists("r"))
  }

  @Test(arguments: ["raw", "qcow2", "tar", "ova"])
  func `a flipped byte is found, and all that is sound is kept`(format: String) async throws {
    try await scene.makeArchive()
    try await scene.expectShell(
      """
      sluice convert m --to \(format)=x.\(format) && python3 -c '
      import os
      path = "x.\(format)"
      if os.path.isdir(path): path += "/vmstate.bin"
      data = bytearray(open(path, "rb").read())
      place = data.rindex(open("vmstate.bin", "rb").read()[200000:200032])
      data[place] ^= 1
      open(path, "wb").write(data)'
      """)
    let archive = "x.\(format)"
    for verb in ["restore \(archive) --to r", "verify \(archive)", "convert \(archive) --to raw=r"]
    {
      try await scene.expectShell("sluice \(verb)", status: 65, says: "vmstate")
    }
    #expect(!place.exists("r"))
    try await scene.expectShell("sluice restore \(archive) --to k --keep-damaged", status: 65)
    #expect(try place.names("k") == ["c.conf", "d.raw", "vmstate.bin.incomplete"])
    try await place.shell(
      "cmp d.raw k/d.raw; cmp -l vmstate.bin k/vmstate.bin.incomplete | wc -l | grep -x 1")
  }

  @Test(arguments: ["raw", "qcow2"])
  func `a file that is cut is no shorter state`(format: String) async throws {
    try await scene.makeArchive()
    try await scene.expectShell(
      "sluice convert m --to \(format)=x && truncate -s 1000000 x/vmstate.bin")
    for verb in ["restore x --to r", "verify x", "list x"] {
      try await scene.expectShell(
        "sluice \(verb)", status: 65,
        says: "vmstate.bin has 1000000 bytes instead of \(MachineStateScene.stateBytes)")
    }
    try await scene.expectShell(
      "sluice restore x --disk vmstate=state --skip d --keep-damaged", status: 65)
    #expect(try place.status("state.incomplete").size == Int64(MachineStateScene.stateBytes))
    try await place.shell("cmp -n 983040 vmstate.bin state.incomplete")
  }
}
