import CommandLine
import Glibc
import System
import Testing

/// Disks that are restored onto block devices.
@Suite(.inTurns, .enabled(if: Build.isRoot, "root attaches loop devices"))
struct RestoreDeviceTests {
  private let place: Scratch

  init() async throws {
    place = try Scratch()
    try place.makeSparse(
      "a.raw", bytes: (8 << 20) + 100, data: [(0, 100_000), (3 << 20, 4096), (8 << 20, 50)])
    let made = try await sluice(
      ["backup", "--image", "a=a.raw", "--to", "raw=m"], in: place.directory)
    #expect(made.status == 0, "\(made.errors)")
  }

  /// Runs `body` with a device full of noise, whose file is called `device`.
  ///
  /// - Parameter options: Of losetup(8).
  private func withDevice(
    bytes: Int, _ options: String = "", _ body: (String) async throws -> Void
  ) async throws {
    try place.write("device", noise(bytes, seed: 7))
    try place.write("before", noise(bytes, seed: 7))
    let said = try await place.shell("losetup \(options) -f --show device")
    let device = String(said.prefix { $0 != "\n" })
    do {
      try await body(device)
    } catch {
      try await place.shell("losetup -d \(device)")
      throw error
    }
    try await place.shell("losetup -d \(device)")
  }

  private func restore(_ device: String, _ more: [String] = ["--force"]) async throws -> Finding {
    try await sluice(["restore", "m", "--disk", "a=\(device)"] + more, in: place.directory)
  }

  @Test(.enabled(if: MachineStateScene.hasTools, "needs python3"))
  func `the state of a machine is not written to a device`() async throws {
    let scene = try MachineStateScene()
    try await scene.makeArchive()
    let archive = scene.place.path("m")
    try await withDevice(bytes: 8 << 20) { device in
      let finding = try await sluice(
        ["restore", archive, "--disk", "vmstate=\(device)", "--skip", "d", "--force"],
        in: place.directory)
      #expect(finding.status == 64, "\(finding.errors)")
      #expect(finding.errors.contains("to a plain file"), "\(finding.errors)")
    }
    try await place.shell("cmp before device")
  }

  @Test(arguments: ["", "--sector-size 4096"], ["--sparse", "--preallocate"])
  func `a larger device gets the disk, its zeros too, and keeps its rest`(
    sectors: String, allocation: String
  ) async throws {
    let bytes = 12 << 20
    try await withDevice(bytes: bytes, sectors) { device in
      let finding = try await restore(device, ["--force", allocation])
      #expect(finding.status == 0, "\(finding.errors)")
    }
    let size = (8 << 20) + 100
    try await place.shell("cmp -n \(size) a.raw device")
    try await place.shell("tail -c +\(size + 4096) device > 1; tail -c +\(size + 4096) before > 2")
    try await place.shell("cmp 1 2")
  }

  @Test func `a device is overwritten only with force, and only if it is large enough`()
    async throws
  {
    try await withDevice(bytes: 8 << 20) { device in
      let unforced = try await restore(device, [])
      #expect(unforced.status == 73 && unforced.errors.contains("--force"))
      let small = try await restore(device)
      #expect(small.status == 73, "\(small.errors)")
      #expect(small.errors.contains("the device has only 8388608 bytes, the disk 8388708"))
      let image = try await restore("\(device),format=qcow2")
      #expect(image.status == 64, "\(image.errors)")
    }
    try await place.shell("cmp device before")
  }

  @Test func `a device that is mounted is left alone`() async throws {
    try await place.shell("mkdir mounted && truncate -s 12M device && mke2fs -q device")
    let said = try await place.shell("losetup -f --show device")
    let device = String(said.prefix { $0 != "\n" })
    try await place.shell("mount \(device) mounted")
    let finding = try await restore(device)
    try await place.shell("umount -l mounted && losetup -d \(device)")
    #expect(finding.status == 73)
    #expect(finding.errors.contains("the device is in use"), "\(finding.errors)")
  }

  @Test func `a device that is read-only is refused before anything is read`() async throws {
    try await withDevice(bytes: 12 << 20, "-r") { device in
      let finding = try await restore(device)
      #expect(finding.status == 73, "\(finding.errors)")
      #expect(finding.errors.contains("cannot restore to \(device): the device is read-only"))
      #expect(!finding.errors.contains("incomplete"), "\(finding.errors)")
    }
    try await place.shell("cmp device before")
  }

  @Test func `a device that got a part of its disk is called incomplete`() async throws {
    try place.flip("m/a.raw", at: 8 << 20)
    try await withDevice(bytes: 12 << 20) { device in
      let finding = try await restore(device)
      #expect(finding.status == 65)
      #expect(
        finding.errors.contains("\(device) is incomplete: it contains only part of disk a"),
        "\(finding.errors)")
    }
  }

  @Test func `a device whose disk the archive's end refutes is not to be trusted`() async throws {
    try await place.shell(
      "'\(Build.directory)/sluice' backup --quiet --image a=a.raw --to tar=- > x")
    try place.flip("x", at: 50_000)
    try await withDevice(bytes: 12 << 20) { device in
      let said = try await place.shell(
        """
        cat x | '\(Build.directory)/sluice' restore --format tar --force - --disk a=\(device) 2>&1
        echo "= $?"
        """)
      #expect(said.contains("\(device) contains disk a unverified: do not trust it"), "\(said)")
      #expect(said.contains("= 65"), "\(said)")
    }
  }
}
