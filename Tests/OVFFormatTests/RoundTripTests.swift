import Machine
import OVFFormat
import Testing

/// What is written is what is read, and the view that others read is right.
@Suite struct RoundTripTests {
  @Test(arguments: ["libvirt-xml", "proxmox-conf"])
  func `a machine goes into a descriptor and back without a loss`(role: String) throws {
    let descriptor = try Appliance.descriptor(role)
    var wanted = descriptor
    // What is large is in its file alone.
    let large = try #require(wanted.backup?.streams.firstIndex { $0.name == "large" })
    wanted.backup?.streams[large].content = nil
    let read = try OVFDescriptor(parsing: descriptor.serialised())
    #expect(read == wanted)
    let original = Appliance.originals.first { $0.role == role }?.text
    #expect(
      read.backup?.streams.first { $0.role == role }?.content == original.map { Array($0.utf8) })
    #expect(read.backup?.streams.first { $0.name == "odd" }?.content == Appliance.odd)
    #expect(read.backup?.streams.first { $0.name == "empty" }?.content == [])
  }

  /// What an importer sees that knows nothing of our section.
  private func view(_ role: String) throws -> MachineDescription {
    var descriptor = try Appliance.descriptor(role)
    descriptor.backup = nil
    return try OVFDescriptor(parsing: descriptor.serialised()).machine
  }

  @Test func `the view of a domain of libvirt is right`() throws {
    let machine = try view("libvirt-xml")
    #expect(machine.name == "db & web" && machine.system == "linux")
    #expect(machine.processors == .init(count: 8, sockets: 2, cores: 4))
    #expect(machine.memory == 6 << 30)
    #expect(machine.firmware == .init(.efi, isSecureBoot: true))
    #expect(
      machine.controllers == [
        .init(bus: .sata, index: 0, model: "ahci"),
        .init(bus: .scsi, index: 0, model: "lsi53c1030"),
        .init(bus: .scsi, index: 1, model: "lsi53c1030"),
      ])
    #expect(
      machine.disks == [
        .init(name: "disk1", stream: "disk1", bus: .scsi, controller: 0, slot: 0),
        .init(name: "disk2", stream: "disk2", bus: .scsi, controller: 1, slot: 3),
        .init(name: "sda", bus: .sata, controller: 0, slot: 0, media: .cdrom),
      ])
    #expect(
      machine.networkCards == [
        .init(model: "e1000", mac: "52:54:00:aa:bb:01", network: "default"),
        .init(model: "e1000e", mac: "52:54:00:aa:bb:02", network: "br0"),
      ])
  }

  @Test func `the view of a machine of Proxmox is right`() throws {
    let machine = try view("proxmox-conf")
    #expect(machine.name == "db1" && machine.system == "linux")
    #expect(machine.processors == .init(count: 4, sockets: 2, cores: 2))
    #expect(machine.memory == 3 << 30)
    #expect(machine.firmware == .init(.efi, isSecureBoot: true))
    #expect(machine.controllers.map(\.bus) == [.ide, .sata, .scsi])
    #expect(
      machine.disks.map(\.slot) == [1, 0, 8, 0] && machine.disks.map(\.media).last == .cdrom,
      "sata1, scsi0, scsi8, ide2; the state of firmware and TPM is no disk of the view")
    #expect(machine.networkCards.map(\.model) == ["e1000", "vmxnet3"])
    #expect(machine.networkCards.map(\.network) == ["vmbr0", "vmbr1"])
  }

  @Test func `a machine nobody knows has what an importer needs`() throws {
    let descriptor = OVFDescriptor(
      name: "", files: [.init(id: "f", name: "d.vmdk")],
      disks: [
        .init(id: "d", name: "d", fileID: "f", capacity: 512, format: .streamOptimized)
      ])
    let read = try OVFDescriptor(parsing: descriptor.serialised())
    #expect(read.name == "machine" && read.machine.processors?.count == 1)
    #expect(read.machine.memory == 1 << 30 && read.machine.firmware == nil)
    #expect(
      read.machine.disks == [.init(name: "d", stream: "d", bus: .scsi, controller: 0, slot: 0)])
  }

  @Test func `every disk has a place of its own, whatever the machine says`() throws {
    let buses: [MachineDescription.Bus] = [.ide, .scsi, .virtio, .sata, .nvme, .usb]
    var descriptor = OVFDescriptor(name: "m")
    for index in 0..<200 {
      let name = "d\(index)"
      descriptor.machine.disks.append(
        .init(name: name, stream: name, bus: buses[index % 6], controller: index % 3, slot: 7))
      descriptor.disks.append(
        .init(id: name, name: name, fileID: nil, capacity: 512, format: .streamOptimized))
    }
    let disks = try OVFDescriptor(parsing: descriptor.serialised()).machine.disks
    #expect(disks.count == 200)
    let places = Set(disks.map { "\($0.bus.rawValue) \($0.controller ?? -1) \($0.slot ?? -1)" })
    #expect(places.count == 200)
    #expect(!disks.contains { $0.bus == .scsi && ($0.slot == 7 || $0.slot ?? 0 > 15) })
    #expect(!disks.contains { $0.bus == .ide && ($0.slot ?? 0 > 1 || $0.controller ?? 0 > 1) })
  }

  @Test func `a descriptor that would not hang together is not written`() throws {
    var descriptor = try Appliance.descriptor("libvirt-xml")
    descriptor.disks[0].fileID = "nothing"
    #expect(throws: OVFError.fileMissing(id: "nothing")) { try descriptor.serialised() }
    descriptor = try Appliance.descriptor("libvirt-xml")
    descriptor.files[1].name = descriptor.files[0].name
    #expect(throws: OVFError.duplicate(element: "File", id: "vm.conf")) {
      try descriptor.serialised()
    }
  }
}
