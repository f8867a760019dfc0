import CommandLine
import Glibc
import JSON
import QEMUControl
import System
import Testing

@Suite(.inTurns, .enabled(if: Emulator.isThere, Emulator.missing)) struct MachineTests {
  static let files = """
    truncate -s 1M a.raw; truncate -s 2M b.raw; truncate -s 4M c.raw; truncate -s 2M cd.iso
    truncate -s 3653632 code.fd; truncate -s 540672 vars.fd; truncate -s 1474560 floppy.img
    qemu-img create -q -f qcow2 d.qcow2 8M
    """

  private func inspect(
    _ arguments: [String], machine: String = "q35"
  ) async throws -> (machine: GuestMachine, directory: String) {
    let emulator = try await Emulator(["-machine", machine] + arguments, prepare: Self.files)
    let client = try await emulator.connect()
    return (try await GuestMachine.inspect(client), emulator.files.directory)
  }

  private func device(_ name: String, _ machine: GuestMachine) throws -> GuestBlockDevice {
    try #require(machine.devices.first { $0.name == name }, "\(machine.devices.map(\.name))")
  }

  @Test func `a machine without drives has a name, a state and no disk`() async throws {
    let uuid = "2b1c8f0e-6f2b-4b0c-9a53-0d1f3f1c6a11"
    let (machine, _) = try await inspect(["-name", "alpha", "-uuid", uuid])
    #expect(machine.name == "alpha" && machine.uuid == uuid)
    #expect(machine.runState == "prelaunch")
    #expect(machine.devices.isEmpty && machine.blockJobs.isEmpty && machine.tpm.isEmpty)
    #expect(!machine.nbdServerInUse && machine.warnings.isEmpty)
    #expect(machine.description["machine-type"]?.string?.hasPrefix("pc-q35-") == true)
    let (unnamed, _) = try await inspect([], machine: "none")
    #expect(unnamed.name == "" && unnamed.uuid == nil)
  }

  @Test func `a drive of the old style is called by its own name`() async throws {
    let (machine, directory) = try await inspect([
      "-drive", "if=virtio,file=a.raw,format=raw",
      "-drive", "if=none,id=drive-scsi0,file=b.raw,format=raw",
      "-device", "virtio-scsi-pci,id=scsi", "-device", "scsi-hd,drive=drive-scsi0,id=scsi0",
    ])
    #expect(machine.devices.map(\.name) == ["virtio0", "drive-scsi0"])
    let first = try device("virtio0", machine)
    #expect(first.size == 1 << 20 && first.format == "raw" && first.isBackedUpByDefault)
    #expect(first.imageFile == directory + "/a.raw")
    #expect(first.nodeName != nil && first.iothread == nil)
    let second = try device("drive-scsi0", machine)
    #expect(second.qdev == "scsi0" && second.deviceType == "scsi-hd" && second.size == 2 << 20)
  }

  @Test func `a drive of the new style is called by its device's id`() async throws {
    let (machine, directory) = try await inspect([
      "-blockdev",
      "driver=qcow2,node-name=n0,file.driver=file,file.filename=d.qcow2",
      "-device", "virtio-blk-pci,drive=n0,id=disk0",
      "-blockdev", "driver=file,node-name=n1,filename=a.raw",
      "-device", "virtio-blk-pci,drive=n1",
      "-blockdev", "driver=file,node-name=n2,filename=b.raw",
      "-device", "virtio-blk-pci,drive=n2",
    ])
    #expect(machine.devices.map(\.name) == ["disk0", "device0", "device1"])
    let disk = try device("disk0", machine)
    #expect(disk.nodeName == "n0" && disk.format == "qcow2" && disk.size == 8 << 20)
    #expect(disk.imageFile == directory + "/d.qcow2" && disk.kind == .disk)
    #expect(disk.qdev == "/machine/peripheral/disk0/virtio-backend")
  }

  @Test func `two drives never have one name`() async throws {
    let (machine, _) = try await inspect([
      "-drive", "if=none,id=one,file=a.raw,format=raw", "-device", "virtio-blk-pci,drive=one,id=x",
      "-blockdev", "driver=file,node-name=n1,filename=b.raw",
      "-device", "virtio-blk-pci,drive=n1,id=one",
      "-blockdev", "driver=file,node-name=n2,filename=c.raw",
      "-device", "qemu-xhci", "-device", "usb-storage,drive=n2,id=one-2",
    ])
    #expect(machine.devices.count == 3)
    #expect(Set(machine.devices.map(\.name)).count == 3)
    #expect(machine.devices.contains { $0.name == "one" })
  }

  @Test func `the I/O thread of a disk, of its controller or of nobody is known`() async throws {
    let (machine, _) = try await inspect([
      "-object", "iothread,id=io0", "-object", "iothread,id=io1",
      "-blockdev", "driver=file,node-name=n0,filename=a.raw",
      "-device", "virtio-blk-pci,drive=n0,id=disk0,iothread=io0",
      "-device", "virtio-scsi-pci,id=with,iothread=io1",
      "-blockdev", "driver=file,node-name=n1,filename=b.raw",
      "-device", "scsi-hd,drive=n1,id=disk1,bus=with.0",
      "-device", "virtio-scsi-pci,id=without",
      "-blockdev", "driver=file,node-name=n2,filename=c.raw",
      "-device", "scsi-hd,drive=n2,id=disk2,bus=without.0",
    ])
    #expect(try device("disk0", machine).iothread == "io0")
    #expect(try device("disk1", machine).iothread == "io1")
    #expect(try device("disk2", machine).iothread == nil)
  }

  @Test func `firmware variables are backed up, firmware code is not`() async throws {
    let old = [
      "-drive", "if=pflash,unit=0,format=raw,file=code.fd,readonly=on",
      "-drive", "if=pflash,unit=1,format=raw,file=vars.fd",
    ]
    let new = [
      "-blockdev", "driver=file,node-name=p0,filename=code.fd,read-only=on",
      "-blockdev", "driver=file,node-name=p1,filename=vars.fd",
    ]
    for (arguments, machineType) in [(old, "q35"), (new, "q35,pflash0=p0,pflash1=p1")] {
      let (machine, _) = try await inspect(arguments, machine: machineType)
      let code = try device("pflash0", machine)
      #expect(code.kind == .flash && code.exclusion == .readOnly && code.isReadOnly)
      let variables = try device("pflash1", machine)
      #expect(variables.kind == .flash && variables.isBackedUpByDefault)
      #expect(variables.size == 540672 && variables.writeErrorPolicy == "")
    }
  }

  @Test(.enabled(if: Build.has("swtpm"), "swtpm is needed"))
  func `the state of a TPM is said to be left out`() async throws {
    let files = try Scratch()
    let socket = files.path("socket")
    // It ends when QEMU lets go of it.
    let tpm = try Program([
      "swtpm", "socket", "--tpm2", "--tpmstate", "dir=\(files.directory)",
      "--ctrl", "type=unixio,path=\(socket)", "--terminate",
    ])
    defer { tpm.send(SIGKILL) }
    for _ in 0..<500 where !files.exists("socket") {
      try await Task.sleep(for: .milliseconds(10))
    }
    let emulator = try await Emulator([
      "-machine", "q35", "-chardev", "socket,id=tpm,path=\(socket)",
      "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0",
    ])
    let machine = try await GuestMachine.inspect(emulator.connect())
    #expect(machine.tpm == ["tpm-tis (emulator)"])
    #expect(
      machine.warnings == [
        "tpm-tis (emulator): not backed up: its state is outside QEMU"
      ])
  }

  @Test func `what is no disk to write on is listed with its reason`() async throws {
    let (machine, _) = try await inspect([
      "-device", "ide-cd,id=cd0,bus=ide.0",
      "-drive", "if=none,id=iso,media=cdrom,format=raw,file=cd.iso",
      "-device", "ide-cd,id=cd1,drive=iso,bus=ide.1",
      "-drive", "if=none,id=ro,format=raw,file=a.raw,readonly=on",
      "-device", "virtio-blk-pci,drive=ro", "-drive", "if=none,id=loose,format=raw,file=b.raw",
      "-device", "isa-fdc,id=fdc", "-device", "floppy,id=fd0,unit=0",
      "-blockdev", "driver=file,node-name=fn,filename=floppy.img",
      "-device", "floppy,id=fd1,unit=1,drive=fn",
    ])
    let exclusions = Dictionary(
      uniqueKeysWithValues: machine.devices.map { ($0.name, $0.exclusion) })
    #expect(
      exclusions == [
        "cd0": .empty, "iso": .cdrom, "ro": .readOnly, "loose": .notAttached, "fd0": .empty,
        "fd1": nil,
      ])
    let empty = try device("cd0", machine)
    #expect(empty.isEmpty && empty.kind == .cdrom && empty.size == 0 && empty.nodeName == nil)
    #expect(try device("iso", machine).kind == .cdrom)
    let floppy = try device("fd1", machine)
    #expect(floppy.kind == .floppy && floppy.isRemovable && floppy.size == 1_474_560)
  }

  @Test func `nodes that no drive uses are no disks`() async throws {
    let (machine, _) = try await inspect([
      "-blockdev", "driver=file,node-name=free,filename=a.raw",
    ])
    #expect(machine.devices.isEmpty)
    #expect(machine.description["query-named-block-nodes"]?.array?.count == 1)
  }

  @Test func `the file behind filters and odd names is found, or there is none`() async throws {
    let (machine, directory) = try await inspect([
      "-object", "throttle-group,id=group",
      "-blockdev", "driver=file,node-name=f0,filename=a.raw",
      "-blockdev", "driver=throttle,node-name=t0,throttle-group=group,file=f0",
      "-device", "virtio-blk-pci,id=throttled,drive=t0",
      "-blockdev", "driver=null-co,node-name=z,size=1048576",
      "-device", "virtio-blk-pci,id=zero,drive=z",
    ])
    let throttled = try device("throttled", machine)
    #expect(throttled.imageFile == directory + "/a.raw" && throttled.format == "throttle")
    #expect(try device("zero", machine).imageFile == nil)
  }

  @Test(arguments: [
    ("", "", "auto"), (",werror=report", "", "report"), (",werror=stop", "", "auto"),
    (",werror=ignore", "", "report"), ("", ",werror=report", "report"),
    ("", ",werror=stop", "stop"), ("", ",werror=enospc", "enospc"),
    ("", ",werror=ignore", "ignore"),
  ])
  func `the write error policy is never taken for better than it is`(
    drive: String, device: String, policy: String
  ) async throws {
    let (machine, _) = try await inspect([
      "-drive", "if=none,id=d,format=raw,file=a.raw\(drive)",
      "-device", "virtio-blk-pci,drive=d\(device)",
    ])
    #expect(try self.device("d", machine).writeErrorPolicy == policy)
  }

  @Test func `NVMe disks have no write error policy`() async throws {
    let (machine, _) = try await inspect([
      "-drive", "if=none,id=d,format=raw,file=a.raw", "-device", "nvme,drive=d,serial=1",
    ])
    let disk = try device("d", machine)
    #expect(disk.writeErrorPolicy == "" && disk.isBackedUpByDefault)
  }

  @Test func `jobs and exports of others are seen`() async throws {
    let emulator = try await Emulator(
      [
        "-machine", "q35", "-blockdev", "driver=file,node-name=n0,filename=a.raw",
        "-device", "virtio-blk-pci,drive=n0,id=disk0",
      ], prepare: Self.files)
    let client = try await emulator.connect()
    _ = try await client.execute(
      "blockdev-add", ["driver": "null-co", "node-name": "other", "size": 1_048_576])
    _ = try await client.execute(
      "blockdev-backup",
      ["job-id": "theirs", "device": "n0", "target": "other", "sync": "none"])
    _ = try await client.execute(
      "nbd-server-start",
      ["addr": ["type": "unix", "data": ["path": .string(emulator.files.path("nbd"))]]])
    #expect(try await !GuestMachine.inspect(client).nbdServerInUse)
    _ = try await client.execute(
      "block-export-add", ["type": "nbd", "id": "e", "node-name": "other"])
    let machine = try await GuestMachine.inspect(client)
    #expect(machine.nbdServerInUse)
    #expect(machine.blockJobs == [.init(id: "theirs", type: "backup", status: "running")])
    #expect(machine.devices.map(\.format) == ["copy-before-write"])
    #expect(machine.devices.map(\.name) == ["disk0"])
  }

  @Test func `what lies outside QEMU is told in a line each`() async throws {
    let (machine, _) = try await inspect(
      [
        "-m", "64,slots=2,maxmem=1G", "-object", "memory-backend-ram,id=memory,size=16M",
        "-device", "nvdimm,memdev=memory,id=nv0", "-device", "virtio-blk-pci,drive=n0,id=disk0",
        "-blockdev", "driver=file,node-name=n0,filename=a.raw",
      ], machine: "q35,nvdimm=on")
    #expect(machine.warnings.count == 1)
    #expect(machine.warnings.first?.hasPrefix("nv0 (nvdimm): ") == true)
  }

  @Test(.alone) func `a machine that stands still is not looked at for ever`() async throws {
    let emulator = try await Emulator(["-machine", "q35"])
    let client = try await emulator.connect()
    emulator.send(SIGSTOP)
    let started = MonotonicTime.now
    await #expect(throws: ControlError.self) {
      try await GuestMachine.inspect(client, seconds: 0.5)
    }
    #expect(MonotonicTime.now.seconds(since: started) < 2)
    emulator.send(SIGCONT)
    #expect(try await GuestMachine.inspect(client).devices.isEmpty)
  }

  @Test func `QEMU tells by its schema what it can do`() async throws {
    let (machine, _) = try await inspect([])
    let features = machine.features
    #expect(features.canBackUp && features.missing == [])
    #expect(features.hasVhostUserBlkExport && features.hasNBDExport)
    #expect(features.onCBWErrorOfNodes)
    // Between 9.0 and 10.0 the schema changed step by step; both ends are known.
    let major = try #require(Int(machine.version.prefix { $0 != "." }))
    if major < 9 || major >= 10 {
      #expect(features.snapshotAccessIsSound == (major >= 10))
      #expect(features.discardSourceOfJobs == (major >= 10))
    }
  }

  @Test func `the description has the facts of the machine and none of its secrets`()
    async throws
  {
    let (machine, _) = try await inspect([
      "-smp", "2", "-object", "secret,id=key,data=topsecret123",
      "-blockdev", "driver=file,node-name=n0,filename=a.raw",
      "-device", "virtio-blk-pci,drive=n0,id=disk0,serial=S1,bootindex=3",
      "-netdev", "user,id=net0,restrict=on",
      "-device", "virtio-net-pci,netdev=net0,id=nic0,mac=52:54:00:00:00:07",
    ])
    let facts = machine.description
    #expect(facts["query-cpus-fast"]?.array?.count == 2)
    #expect(facts["query-memory-size-summary"]?["base-memory"] == .integer(64 << 20))
    let devices = facts["devices"]?.array ?? []
    let disk = devices.first { $0["name"] == "disk0" }
    #expect(disk?["serial"] == "S1" && disk?["bootindex"] == 3)
    let card = devices.first { $0["name"] == "nic0" }
    #expect(card?["mac"] == "52:54:00:00:00:07" && card?["type"] == "virtio-net-pci")
    let objects = facts["objects"]?.array ?? []
    #expect(objects.contains { $0["name"] == "key" && $0["type"] == "secret" })
    #expect(!facts.text.contains("topsecret123"))
    #expect(facts.serialised().count < 1 << 20)
  }
}
