import JSON
import Machine
import MachineFiles
import MachineSamples
import Testing
import XML

/// Files of hypervisors, and our own, as descriptions.
@Suite struct MachineFileTests {
  private func libvirt(_ text: String) throws(MachineFileError) -> ToldMachine {
    try ToldMachine(libvirtXML: Array(text.utf8))
  }

  private func proxmox(_ text: String) throws(MachineFileError) -> ToldMachine {
    try ToldMachine(proxmoxConfiguration: Array(text.utf8))
  }

  @Test(arguments: [
    "machine: q35", "agent: 1", "scsi0: local-lvm:vm-1-disk-0,size=1G",
    "memory: 512\r\nname: a\r\n", "name: a\nscsi0: local:1/d.qcow2",
    "# a note%3A\n#with lines\nostype: l26", "cores: 2",
    "boot: order=scsi0;net0", "net31: virtio,bridge=vmbr0", "unused255: local:d", "template: 1",
    "onboot: 1\n\n[PENDING]\nmemory: 9\n\n[snap]\nmemory: 7\nsnaptime: 1", "virtiofs0: share",
    "description: a: b", "efidisk0: local:1/e.raw,efitype=4m", "lock: backup", "cpu: host",
    "smbios1: uuid=3f0c8f0e-6a55-4f0a-9f43-0d8a3f1f6a10", "hostpci0: 0000:01:00.0,pcie=1",
  ])
  func `any line that Proxmox VE knows makes a configuration of it`(text: String) throws {
    _ = try proxmox(text)
  }

  @Test(arguments: [
    "", "\n", "# name: a\n#machine: q35\n", "[snap]\nname: a\n", "nam: a", "scsi31: d", "scsi00: d",
    "scsi-1: d", "name", " name: a", "<domain>", "{\"name\": 1}",
  ])
  func `what has none of its lines is no configuration of Proxmox VE`(text: String) throws {
    #expect(throws: MachineFileError.notProxmox) { _ = try proxmox(text) }
  }

  private func refusal(_ json: String) -> MachineFileError? {
    do throws(MachineFileError) {
      _ = try ToldMachine(json: Array(json.utf8))
      return nil
    } catch {
      return error
    }
  }

  @Test func `a domain of libvirt is understood`() throws {
    let machine = try libvirt(Samples.libvirt).with(streams: [
      .init(name: "data", file: "/dev/vg0/db-data"),
      .init(name: "virtio-disk0"),
      .init(name: "pflash0", role: "nvram"),
    ])
    #expect(machine.name == "db & web")
    #expect(machine.uuid == "3f0c8f0e-6a55-4f0a-9f43-0d8a3f1f6a10")
    #expect(machine.architecture == "x86_64" && machine.board == "q35" && machine.system == "linux")
    #expect(
      machine.processors == .init(count: 8, sockets: 2, cores: 2, threads: 2, model: "host"))
    #expect(machine.memory == 6 << 30)
    #expect(machine.firmware == .init(.efi, isSecureBoot: true))
    #expect(
      machine.controllers == [
        .init(bus: .scsi, index: 0, model: "virtio-scsi"),
        .init(bus: .sata, index: 0, model: "ahci"),
      ])
    #expect(
      machine.disks == [
        .init(name: "vda", stream: "virtio-disk0", bus: .virtio, slot: 0, bootOrder: 1),
        .init(name: "sdb", stream: "data", bus: .scsi, controller: 0, slot: 3, serial: "D2"),
        .init(name: "sda", bus: .sata, controller: 0, slot: 0, media: .cdrom),
        .init(name: "pflash0", stream: "pflash0", bus: .flash),
      ])
    #expect(
      machine.networkCards == [
        .init(model: "virtio", mac: "52:54:00:aa:bb:01", network: "default"),
        .init(model: "e1000e", mac: "52:54:00:aa:bb:02", network: "br0"),
      ])
  }

  @Test(arguments: [
    ("hdd", "ide", MachineDescription.Bus.ide, 1, 1), ("sdi", "scsi", .scsi, 1, 1),
    ("sdh", "sata", .sata, 1, 1), ("sda", "sata", .sata, 0, 0),
  ])
  func `a disk without an address has the one libvirt would give it`(
    device: String, bus: String, wanted: MachineDescription.Bus, controller: Int, slot: Int
  ) throws {
    let told = try libvirt(
      "<domain><devices><disk><target dev='\(device)' bus='\(bus)'/></disk></devices></domain>")
    let disk = try #require(told.description.disks.first)
    #expect(disk.bus == wanted && disk.controller == controller && disk.slot == slot)
  }

  @Test func `a configuration of Proxmox is understood up to its first section`() throws {
    let machine = try proxmox(Samples.proxmox).with(streams: [
      .init(name: "drive-efidisk0"), .init(name: "drive-sata1"), .init(name: "drive-scsi0"),
      .init(name: "drive-tpmstate0-backup"), .init(name: "x", file: "/dev/pve/vm-101-disk-2"),
    ])
    #expect(machine.name == "db1" && machine.uuid == "5e2b9f6c-1111-4222-8333-444455556666")
    #expect(machine.board == "q35" && machine.system == "linux")
    #expect(
      machine.processors
        == .init(count: 4, sockets: 2, cores: 2, threads: 1, model: "x86-64-v2-AES"))
    #expect(machine.memory == 3 << 30)
    #expect(machine.firmware == .init(.efi, isSecureBoot: true))
    #expect(
      machine.controllers == [
        .init(bus: .ide, index: 1), .init(bus: .sata, index: 0, model: "ahci"),
        .init(bus: .scsi, index: 0, model: "virtio-scsi"),
      ])
    #expect(
      machine.disks == [
        .init(name: "ide2", bus: .ide, controller: 1, slot: 0, media: .cdrom, bootOrder: 2),
        .init(name: "sata1", stream: "drive-sata1", bus: .sata, controller: 0, slot: 1),
        .init(
          name: "scsi0", stream: "drive-scsi0", bus: .scsi, controller: 0, slot: 0, bootOrder: 1,
          serial: "S1"),
        .init(name: "scsi8", stream: "x", bus: .scsi, controller: 0, slot: 8),
        .init(name: "efidisk0", stream: "drive-efidisk0", bus: .flash),
        .init(name: "tpmstate0", stream: "drive-tpmstate0-backup", bus: .tpm),
      ])
    #expect(
      machine.networkCards == [
        .init(model: "virtio", mac: "bc:24:11:00:00:01", network: "vmbr0"),
        .init(model: "vmxnet3", mac: "bc:24:11:00:00:02", network: "vmbr1"),
      ])
  }

  @Test func `a machine of Proxmox that says little is what Proxmox takes it for`() throws {
    let machine = try proxmox("ostype: win11\r\n").description
    #expect(machine.processors?.count == 1 && machine.memory == 512 << 20)
    #expect(machine.firmware == .init(.bios) && machine.system == "windows")
    #expect(machine.board == "i440fx")
  }

  @Test func `our own form is the wire's`() throws {
    let told = try ToldMachine(json: Array(Samples.json.utf8))
    let object = try #require(JSONValue(parsing: Array(Samples.json.utf8)).object)
    #expect(told.description.object == object)
    let machine = told.with(streams: [.init(name: "other"), .init(name: "root")])
    #expect(machine.disks[0].stream == "root")
    #expect(told.with(streams: [.init(name: "a"), .init(name: "b")]).disks[0].stream == "")
    #expect(told.with(streams: [.init(name: "a")]).disks[0].stream == "a", "the only one left")
  }

  @Test(arguments: [
    ("{\"memroy\": 1}", MachineFileError.unknownMember("memroy")),
    ("{\"disks\": [{\"bus\": \"scsi\", \"buss\": 1}]}", .unknownMember("disks[0].buss")),
    ("[]", .notAnObject),
    (
      "{\"disks\": [{\"bus\": \"scis\"}]}",
      .machine(
        .member(
          "disks[0].bus",
          needs: "one of ide, sata, scsi, virtio, nvme, usb, floppy, flash, tpm"))
    ),
    (
      "{\"processors\": {\"count\": 0}}",
      .machine(.member("processors.count", needs: "a number from 1 to 8192"))
    ),
  ])
  func `a mistake in our own form is named with its place`(
    text: String, wanted: MachineFileError
  ) {
    #expect(refusal(text) == wanted)
  }

  @Test func `files of another kind are refused`() {
    #expect(throws: MachineFileError.notADomain("network")) { try libvirt("<network/>") }
    #expect(throws: MachineFileError.notProxmox) { try proxmox(Samples.libvirt) }
    #expect(throws: MachineFileError.xml(.doctype(line: 1))) {
      try libvirt("<!DOCTYPE domain [<!ENTITY x SYSTEM '/etc/passwd'>]><domain>&x;</domain>")
    }
    #expect(throws: MachineFileError.self) { try libvirt(Samples.proxmox) }
    guard case .json = refusal("{") else { return #expect(Bool(false), "half an object") }
  }

  @Test(arguments: [
    "machine: q35", "agent: 1", "scsi0: local-lvm:vm-101-disk-0,size=32G", "name: web",
    "name: web\nvirtio15: a.raw", "net31: virtio", "memory: 2048",
  ])
  func `one line that Proxmox VE knows is enough`(text: String) throws {
    _ = try proxmox(text)
  }

  @Test(arguments: [
    "", "hello", "image: x.qcow2\nversion: 2", "scsi: a", "scsi31: a", "scsi01: a", "scsix: a",
    "[snapshot]\nmemory: 2048", "#memory: 2048", " memory: 2048",
  ])
  func `a file without such a line is none of Proxmox VE`(text: String) {
    #expect(throws: MachineFileError.notProxmox) { try proxmox(text) }
  }

  @Test func `numbers out of range are unknown, and nothing traps`() throws {
    let huge = String(repeating: "9", count: 30)
    for number in ["0", "-1", huge, "18446744073709551615", ""] {
      let machine = try libvirt(
        """
        <domain><memory unit='TiB'>\(number)</memory><vcpu>\(number)</vcpu>
        <devices><disk><target dev='sd\(number)'/>
        <address type='drive' controller='\(number)' target='\(number)' unit='\(number)'/></disk>
        <controller type='scsi' index='\(number)'/></devices></domain>
        """
      ).description
      #expect(machine.memory == nil && machine.processors == nil && machine.disks.count == 1)
      let other = try proxmox(
        "ostype: l26\nmemory: \(number)\ncores: \(number)\nsockets: \(number)\nvcpus: \(number)\n"
      ).description
      #expect(other.memory == nil && other.processors?.count == 1)
    }
  }
}
