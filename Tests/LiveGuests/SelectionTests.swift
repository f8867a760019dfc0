import CommandLine
import JSON
import LiveGuest
import Testing

/// What of a machine is backed up, and what is said of the rest.
@Suite(.withGuest, .enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
struct SelectionTests {
  /// A machine that never runs, with everything a machine may have.
  private func machine() async throws -> LiveGuest {
    try await LiveGuest(
      GuestSetup {
        $0.isStopped = true
        $0.extra = [
          "-uuid", "8e2f5a44-6f0e-4d0e-9a44-0f2f0d8f1a11",
          "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=code.raw",
          "-drive", "if=pflash,unit=1,format=raw,file=vars.raw",
          "-drive", "if=none,id=drive-ide2,media=cdrom",
          "-device", "ide-cd,drive=drive-ide2,id=ide2",
          "-device", "virtio-scsi-pci,id=scsi",
          "-drive", "file=c.raw,if=none,id=drive-scsi0,format=raw,readonly=on",
          "-device", "scsi-hd,drive=drive-scsi0,id=scsi0,bus=scsi.0",
        ]
      },
      prepare: """
        truncate -s 128K code.raw && head -c 64K /dev/urandom >vars.raw
        head -c 1M /dev/urandom >c.raw
        """)
  }

  private func backUp(_ guest: LiveGuest, _ more: [String]) async throws -> Finding {
    let finding = try await sluice(
      ["backup", "--qmp", guest.qmp, "--to", "raw=x"] + more, in: guest.files.directory)
    #expect(finding.status == 0, "\(finding.errors)")
    return finding
  }

  @Test func `the firmware's variables are in a chain too`() async throws {
    let guest = try await machine()
    let chain = try LiveChain(guest)
    for (name, level) in [("b0", "full"), ("b1", "incremental")] {
      let finding = try await sluice(
        LiveChain.arguments(guest, name, level, in: chain), in: guest.files.directory)
      #expect(finding.status == 0, "\(finding.errors)")
      let restored = try await sluice(
        ["restore", chain.path(name), "--to", chain.path("r\(name)")], in: guest.files.directory)
      #expect(restored.status == 0, "\(restored.errors)")
      try await guest.files.shell("cmp vars.raw \(chain.path("r\(name)"))/pflash1.raw")
      _ = try guest.monitor.query(
        "human-monitor-command", ["command-line": "qemu-io pflash1 \"write -P 9 4k 4k\""])
    }
  }

  @Test func `what is writable is backed up, the rest is listed`() async throws {
    let guest = try await machine()
    let before = try guest.blockState()
    let finding = try await backUp(guest, [])
    #expect(finding.output.contains("drive-ide2: not backed up: no medium"), "\(finding.output)")
    #expect(finding.output.contains("drive-scsi0: not backed up: read-only"))
    #expect(finding.output.contains("pflash0: not backed up: read-only"))
    // A guest that stands still keeps removed sets of descriptors until it runs.
    let after = try guest.blockState().lines.filter { !$0.hasPrefix("fdset ") }
    #expect(after == before.lines)
    let names = try guest.files.names("x").filter { $0.hasSuffix(".raw") }
    #expect(names == ["disk0.raw", "disk1.raw", "pflash1.raw"])
    try await guest.files.shell("cmp vars.raw x/pflash1.raw")
    let listing = try await sluice(["list", "--json", "x"], in: guest.files.directory)
    let value = try JSONValue(parsing: Array(try #require(listing.lines.last).utf8))
    let roles = (value["streams"]?.array ?? []).reduce(into: [:]) {
      $0[$1["name"]?.string ?? ""] = $1["role"]?.string
    }
    #expect(
      roles == [
        "machine.json": "qemu-machine", "disk0": "disk", "disk1": "disk", "pflash1": "nvram",
      ])
    let vm = value["receipt"]?["vm"]
    #expect(vm?["name"]?.string == "test-guest")
    #expect(vm?["uuid"]?.string == "8e2f5a44-6f0e-4d0e-9a44-0f2f0d8f1a11")
    let description = try JSONValue(parsing: try guest.files.bytes("x/machine.json"), depthMax: 64)
    #expect(description["query-name"]?["name"]?.string == "test-guest")
  }

  @Test func `disks may be chosen and left out by name`() async throws {
    let guest = try await machine()
    _ = try await backUp(
      guest, ["--disk", "disk1", "--disk", "drive-scsi0", "--disk", "disk0", "--exclude", "disk0"])
    let names = try guest.files.names("x").filter { $0.hasSuffix(".raw") }
    #expect(names == ["disk1.raw", "drive-scsi0.raw"])
    try await guest.files.shell("cmp c.raw x/drive-scsi0.raw")
  }

  @Test(.enabled(if: Build.isRoot && Build.has("losetup"), "this kernel gives us no loop device"))
  func `a disk on a block device is backed up`() async throws {
    let files = try Scratch()
    let device =
      try await files.shell(
        "head -c 9M /dev/urandom >disk && losetup --find --show disk"
      ).split(separator: "\n").first.map(String.init) ?? ""
    let guest = try await LiveGuest(
      GuestSetup {
        $0.arguments = "mode=raw hold"
        $0.extra = [
          "-blockdev", "driver=host_device,node-name=node2,filename=\(device)",
          "-device", "virtio-blk-pci,drive=node2,id=disk2",
        ]
      })
    // It goes when QEMU closes it.
    try await files.shell("losetup --detach \(device)")
    let before = try guest.blockState()
    let finding = try await backUp(guest, ["--disk", "disk2"])
    #expect(finding.left == [])
    #expect(try guest.blockState() == before)
    try await guest.files.shell("cmp '\(files.path("disk"))' x/disk2.raw")
  }

  @Test func `an encrypted disk is warned about: its archive holds plain text`() async throws {
    let guest = try await LiveGuest(
      GuestSetup {
        $0.isStopped = true
        $0.extra = [
          "-object", "secret,id=key,data=moment",
          "-blockdev",
          "driver=luks,node-name=node2,key-secret=key,file.driver=file,"
            + "file.filename=c.luks",
          "-device", "virtio-blk-pci,drive=node2,id=disk2",
        ]
      },
      // It measures the processor first, and gives up where that is too fast for its clock.
      prepare: """
        for i in $(seq 20); do
          qemu-img create -q -f luks --object secret,id=key,data=moment \
            -o key-secret=key,iter-time=10 c.luks 4M && break
        done; test -s c.luks
        """)
    let line = "disk2 is encrypted, but QEMU reads it decrypted: the archive holds plain text"
    let finding = try await backUp(guest, ["--disk", "disk2"])
    #expect(finding.errors.contains(line), "\(finding.errors)")
    let doctor = try await sluice(["doctor", "--qmp", guest.qmp])
    #expect(doctor.output.contains(line), "\(doctor.output)")
  }

  @Test func `the doctor says what a backup would do and promise`() async throws {
    let guest = try await machine()
    let before = try guest.blockState()
    let finding = try await sluice(["doctor", "--qmp", guest.qmp])
    #expect(finding.status == 0, "\(finding.output)")
    for words in [
      "machine test-guest", "disk0: backed up as disk, 32 MiB, raw",
      "disk0: if the fleecing image fails", "pflash1: backed up as nvram",
      "drive-ide2: skipped: no medium", "disks are read over vhost-user",
      "fleecing images go to \(guest.files.directory)",
    ] { #expect(finding.output.contains(words), "lacks \(words): \(finding.output)") }
    #expect(try guest.blockState() == before)
  }

  @Test(arguments: ["try", "require", "never"])
  func `an agent that does not answer costs a bounded time`(freeze: String) async throws {
    let guest = try await LiveGuest(
      GuestSetup { $0.extra = ["-chardev", "socket,id=mute,path=mute,server=on,wait=off"] })
    let before = try guest.blockState()
    let finding = try await sluice(
      [
        "backup", "--qmp", guest.qmp, "--to", "raw=x", "--guest-agent", "mute", "--freeze", freeze,
      ], in: guest.files.directory)
    #expect(finding.status == (freeze == "require" ? 69 : 0), "\(finding.errors)")
    #expect(finding.errors.contains("guest agent did not answer") == (freeze != "never"))
    #expect(finding.seconds < 12)
    try LiveBackup(guest: guest).expectUnharmed(before)
  }

  @Test func `filesystems are frozen around the instant only`() async throws {
    let guest = try await LiveGuest(GuestSetup { $0.hasAgent = true })
    let (_, finding) = try await LiveBackup(guest: guest).run(
      "x", ["--json", "--guest-agent", guest.agent])
    let events = finding.lines.compactMap {
      (try? JSONValue(parsing: Array($0.utf8)))?["event"]?.string
    }
    let around = events.filter { ["frozen", "point-in-time", "thawed", "started"].contains($0) }
    #expect(around == ["frozen", "point-in-time", "thawed", "started"], "\(finding.output)")
    try await LiveBackup(guest: guest).expectWriting()
  }
}
