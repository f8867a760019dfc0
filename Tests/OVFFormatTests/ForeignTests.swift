import Machine
import OVFFormat
import Testing
import XML

/// Descriptors of other programs, and those of nobody who means well.
@Suite struct ForeignTests {
  private func read(_ text: String) throws(OVFError) -> OVFDescriptor {
    try OVFDescriptor(parsing: Array(text.utf8))
  }

  private func refusal(_ text: String) -> OVFError? {
    do throws(OVFError) {
      _ = try read(text)
      return nil
    } catch {
      return error
    }
  }

  @Test func `what VirtualBox writes is read`() throws {
    let descriptor = try read(Foreign.virtualBox)
    #expect(descriptor.name == "vb" && descriptor.backup == nil)
    #expect(descriptor.files == [.init(id: "file1", name: "vb-disk001.vmdk")])
    #expect(descriptor.disks[0].capacity == 8_589_934_592 && descriptor.disks[0].isAttached)
    #expect(descriptor.disks[0].format == .streamOptimized)
    #expect(descriptor.machine.processors?.count == 2 && descriptor.machine.memory == 2 << 30)
    #expect(descriptor.machine.firmware == .init(.efi) && descriptor.machine.system == "linux")
    #expect(
      descriptor.machine.disks == [
        .init(name: "vmdisk1", stream: "vmdisk1", bus: .sata, controller: 0, slot: 0),
        .init(name: "cdrom1", bus: .ide, controller: 1, slot: 0, media: .cdrom),
      ])
    #expect(
      descriptor.machine.networkCards == [
        .init(model: "e1000", mac: "08:00:27:aa:bb:cc", network: "NAT")
      ])
  }

  @Test func `what VMware writes is read, in its default configuration`() throws {
    let descriptor = try read(Foreign.vmware)
    #expect(descriptor.name == "esx" && descriptor.disks.map(\.capacity) == [16 << 30, 5 << 20])
    #expect(descriptor.disks[1].name == "my-disk-2" && descriptor.disks[1].fileID == nil)
    #expect(descriptor.files[0].isGzip && descriptor.files[0].chunkBytes == 7_516_192_768)
    #expect(descriptor.machine.processors == .init(count: 4, sockets: 2, cores: 2))
    #expect(descriptor.machine.memory == 8 << 30)
    #expect(descriptor.machine.firmware == .init(.efi, isSecureBoot: true))
    #expect(descriptor.machine.controllers == [.init(bus: .scsi, index: 0, model: "pvscsi")])
    #expect(descriptor.machine.networkCards[0].model == "vmxnet3")
  }

  @Test func `what oVirt and virt tools write is read`() throws {
    let descriptor = try read(Foreign.oVirt)
    #expect(descriptor.name == "ov" && descriptor.disks.map(\.capacity) == [6 << 30])
    #expect(descriptor.disks[0].format.kind == .unknown)
    #expect(descriptor.machine.processors?.count == 1 && descriptor.machine.memory == 1 << 30)
  }

  @Test(arguments: [
    ("<a/>", OVFError.notAnEnvelope("a")),
    (
      "<Envelope xmlns='http://schemas.dmtf.org/ovf/envelope/2'/>",
      .version("http://schemas.dmtf.org/ovf/envelope/2")
    ),
    (Foreign.envelope(system: ""), .systems([])),
    (
      Foreign.envelope(
        system: "<VirtualSystem ovf:id='a'/><VirtualSystem ovf:id='b'/>"), .systems(["a", "b"])
    ),
    (
      Foreign.envelope(
        system: """
          <VirtualSystemCollection ovf:id='c'><VirtualSystem ovf:id='a'/></VirtualSystemCollection>\
          <VirtualSystem ovf:id='b'/>
          """), .systems(["a", "b"])
    ),
    (Foreign.envelope(system: "<VirtualSystemCollection ovf:id='c'/>"), .systems([])),
    (Foreign.file("ovf:id='f'"), .member(element: "File", name: "href")),
    (Foreign.file("ovf:href='f'"), .member(element: "File", name: "id")),
    (Foreign.file("ovf:id='f' ovf:href='../x'"), .href("../x")),
    (Foreign.file("ovf:id='f' ovf:href='/etc/passwd'"), .href("/etc/passwd")),
    (Foreign.file("ovf:id='f' ovf:href='http://h/x'"), .href("http://h/x")),
    (Foreign.file("ovf:id='f' ovf:href='a\\x'"), .href("a\\x")),
    (Foreign.file("ovf:id='f' ovf:href='.x'"), .href(".x")),
    (Foreign.file("ovf:id='f' ovf:href='x' ovf:size='-1'"), .member(element: "File", name: "size")),
    (
      Foreign.file("ovf:id='f' ovf:href='x' ovf:compression='bzip2'"),
      .member(element: "File", name: "compression")
    ),
    (Foreign.disk("ovf:capacity='1'"), .member(element: "Disk", name: "diskId")),
    (
      Foreign.disk("ovf:diskId='d' ovf:capacity='1' ovf:fileRef='none'"), .fileMissing(id: "none")
    ),
    (
      Foreign.disk("ovf:diskId='d' ovf:capacity='1'/><Disk ovf:diskId='d' ovf:capacity='1'"),
      .duplicate(element: "Disk", id: "d")
    ),
    ("<!DOCTYPE Envelope><Envelope/>", .xml(.doctype(line: 1))),
  ])
  func `a descriptor that cannot be used is refused for a reason`(text: String, wanted: OVFError) {
    #expect(refusal(text) == wanted)
    #expect(!wanted.description.isEmpty)
  }

  @Test(arguments: [
    "", "ovf:capacity=''", "ovf:capacity='${size}'", "ovf:capacity='1.5'", "ovf:capacity='-1'",
    "ovf:capacity='9007199254740992' ovf:capacityAllocationUnits='byte * 2^10'",
    "ovf:capacity='1' ovf:capacityAllocationUnits='byte * 10^99'",
  ])
  func `a capacity that is no number of bytes is left to the disk`(capacity: String) throws {
    let read = try read(Foreign.disk("ovf:diskId='d' \(capacity)"))
    #expect(read.disks.map(\.id) == ["d"] && read.disks[0].capacity == nil)
  }

  @Test func `the only machine of a collection is read`() throws {
    let one = "<VirtualSystem ovf:id='a'><Info/><Name>web</Name></VirtualSystem>"
    for system in [one, "<VirtualSystemCollection ovf:id='c'>\(one)</VirtualSystemCollection>"] {
      let collection =
        "<VirtualSystemCollection ovf:id='d'><Info/>\(system)</VirtualSystemCollection>"
      #expect(try read(Foreign.envelope(system: collection)).name == "web")
    }
  }

  @Test func `machines that are too many are named`() {
    let two = OVFError.systems(["a", "b"]).description
    #expect(two.contains("2 machines (\"a\", \"b\")"))
    let many = OVFError.systems((1...9).map { "m\($0)" }).description
    #expect(many.contains("9 machines") && many.contains("\"m8\", …") && !many.contains("m9"))
  }

  @Test(arguments: [
    ("my%20disk.vmdk", ["my disk.vmdk"], "my disk.vmdk"),
    ("%C3%A4.vmdk", ["ä.vmdk"], "ä.vmdk"),
    ("100%25.vmdk", ["100%25.vmdk", "100%.vmdk"], "100%25.vmdk"),
    ("a%20b", ["other"], "a%20b"), ("a%2", ["a%2 "], "a%2"), ("a%zz", ["a"], "a%zz"),
    ("a%FF", ["a\u{FFFD}"], "a%FF"), ("%2e%2e%2fx", ["x"], "%2e%2e%2fx"),
  ])
  func `a name is taken for a URI if there is no file of it`(
    href: String, members: [String], name: String
  ) throws {
    var read = try read(Foreign.file("ovf:id='f' ovf:href='\(href)'"))
    read.unescapeNames(members.contains)
    #expect(read.files.map(\.name) == [name])
  }

  @Test func `an embedded file that was changed is not taken`() throws {
    let text = String(
      decoding: try Appliance.descriptor("proxmox-conf").serialised(), as: UTF8.self)
    let start = try #require(text.range(of: "I0RhdGVu"), "the first line of the original")
    var changed = text
    changed.replaceSubrange(start, with: "I0RhdGVV")
    #expect(refusal(changed) == .embedded("vm.conf"))
    changed.replaceSubrange(start, with: "!0RhdGVu")
    #expect(refusal(changed) == .embedded("vm.conf"))
    #expect(refusal(text) == nil)
  }

  @Test func `an id with blanks around it is a name without`() throws {
    let read = try read(Foreign.envelope(system: "<VirtualSystem ovf:id=' \u{9F}m\u{A0}'/>"))
    #expect(read.name == "m" && read.machine.name == "m")
    #expect(try OVFDescriptor(parsing: read.serialised()).name == "m")
    let blank = try self.read(Foreign.envelope(system: "<VirtualSystem ovf:id='  '/>"))
    #expect(blank.name.isEmpty)
  }

  @Test func `of two disks in one file one is the stream`() throws {
    var descriptor = OVFDescriptor(name: "m", files: [.init(id: "f", name: "m.vmdk")])
    for id in ["d1", "d2"] {
      descriptor.disks.append(
        .init(id: id, name: "name-\(id)", fileID: "f", capacity: 512, format: .streamOptimized))
    }
    descriptor.backup = .init(streams: [
      .init(name: "root", kind: "disk", role: "disk", size: 512, fileID: "f")
    ])
    let read = try OVFDescriptor(parsing: descriptor.serialised())
    #expect(read.disks.map(\.name) == ["root", "d2"])
    #expect(try OVFDescriptor(parsing: read.serialised()) == read)
  }

  @Test func `a descriptor cut anywhere is refused`() throws {
    let bytes = try Appliance.descriptor("libvirt-xml").serialised()
    for count in stride(from: 0, to: bytes.count - 3, by: 97) {
      #expect(throws: OVFError.self) { try OVFDescriptor(parsing: Array(bytes[..<count])) }
    }
  }
}

extension String {
  /// Where a text stands for the first time.
  fileprivate func range(of text: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      formIndex(after: &start)
    }
    return nil
  }
}
