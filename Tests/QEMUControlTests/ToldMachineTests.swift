import CommandLine
import JSON
import Machine
import QEMUControl
import Testing

/// Machines as their QEMU tells of them.
@Suite(.inTurns, .enabled(if: Emulator.isThere, Emulator.missing)) struct ToldMachineTests {
  private func told(_ arguments: [String]) async throws -> (MachineDescription, [String]) {
    let emulator = try await Emulator(arguments, prepare: MachineTests.files)
    let machine = try await GuestMachine.inspect(try await emulator.connect())
    let streams = machine.devices.filter(\.isBackedUpByDefault)
    let description = ToldMachine(facts: machine.description).with(
      streams: streams.map { .init(name: $0.name, role: $0.kind == .flash ? "nvram" : "disk") })
    return (description, streams.map(\.name))
  }

  @Test func `a machine with controllers, cards and firmware is told`() async throws {
    let (machine, streams) = try await told([
      "-machine", "q35", "-name", "alpha", "-uuid", "2B1C8F0E-6f2b-4b0c-9a53-0d1f3f1c6a11",
      "-smp", "4,sockets=1,cores=2,threads=2", "-cpu", "Skylake-Client",
      "-drive", "if=pflash,unit=0,format=raw,file=code.fd,readonly=on",
      "-drive", "if=pflash,unit=1,format=raw,file=vars.fd",
      "-device", "virtio-scsi-pci,id=scsihw0",
      "-drive", "if=none,id=drive-scsi3,file=a.raw,format=raw",
      "-device", "scsi-hd,drive=drive-scsi3,bus=scsihw0.0,scsi-id=0,lun=3,serial=S3,bootindex=100",
      "-blockdev", "driver=file,node-name=n1,filename=b.raw",
      "-device", "virtio-blk-pci,drive=n1,id=virtio-disk0",
      "-drive", "if=none,id=drive-sata1,file=c.raw,format=raw",
      "-device", "ide-hd,drive=drive-sata1,bus=ide.1",
      "-drive", "if=none,id=drive-cd,file=cd.iso,format=raw,media=cdrom",
      "-device", "ide-cd,drive=drive-cd,bus=ide.2",
      "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,mac=52:54:00:AA:00:01",
      "-netdev", "user,id=o", "-device", "e1000,netdev=o,mac=52:54:00:aa:00:02",
    ])
    #expect(machine.name == "alpha" && machine.uuid == "2b1c8f0e-6f2b-4b0c-9a53-0d1f3f1c6a11")
    #expect(machine.architecture == "x86_64" && machine.board == "q35")
    #expect(machine.memory == 64 << 20 && machine.firmware == .init(.efi))
    #expect(
      machine.processors
        == .init(count: 4, sockets: 1, cores: 2, threads: 2, model: "Skylake-Client"))
    #expect(machine.controllers == [.init(bus: .scsi, index: 0, model: "virtio-scsi")])
    let disks = Dictionary(uniqueKeysWithValues: machine.disks.map { ($0.name, $0) })
    #expect(
      disks["drive-scsi3"]
        == .init(
          name: "drive-scsi3", stream: "drive-scsi3", bus: .scsi, controller: 0, slot: 3,
          bootOrder: 101, serial: "S3"))
    #expect(
      disks["virtio-disk0"]
        == .init(name: "virtio-disk0", stream: "virtio-disk0", bus: .virtio))
    #expect(
      disks["drive-sata1"]
        == .init(
          name: "drive-sata1", stream: "drive-sata1", bus: .sata, controller: 0, slot: 1,
          serial: "QM00003"))
    #expect(disks["drive-cd"]?.media == .cdrom && disks["drive-cd"]?.stream == "")
    #expect(disks["pflash1"]?.bus == .flash && disks["pflash1"]?.stream == "pflash1")
    #expect(Set(machine.disks.map(\.stream)).isSuperset(of: streams))
    #expect(
      machine.networkCards == [
        .init(model: "virtio", mac: "52:54:00:aa:00:01"),
        .init(model: "e1000", mac: "52:54:00:aa:00:02"),
      ])
  }

  @Test func `drives of the old style have the places their names tell`() async throws {
    let (machine, _) = try await told([
      "-machine", "pc", "-hda", "a.raw", "-hdd", "b.raw",
      "-drive", "if=virtio,file=c.raw,format=raw",
    ])
    #expect(machine.board == "i440fx" && machine.firmware == nil)
    let places = machine.disks.map { "\($0.bus.rawValue) \($0.controller ?? -1) \($0.slot ?? -1)" }
    #expect(places == ["ide 0 0", "ide 1 1", "virtio -1 -1"])
    #expect(machine.disks.allSatisfy { !$0.stream.isEmpty })
  }

  @Test(arguments: [
    JSONValue.null, [], ["query-block": 1, "devices": ["x"], "query-cpus-fast": []],
    [
      "query-block": [["qdev": "/", "device": 7], ["qdev": "///", "inserted": []]],
      "devices": [["name": 1, "mac": "x", "scsi-id": -1]],
      "query-memory-size-summary": [
        "base-memory": 9_223_372_036_854_775_807, "plugged-memory": 9_223_372_036_854_775_807,
      ],
    ],
  ])
  func `facts that QEMU never wrote are unknown`(facts: JSONValue) {
    let machine = ToldMachine(facts: facts).description
    #expect(machine.processors == nil && machine.memory == nil && machine.uuid == "")
  }
}
