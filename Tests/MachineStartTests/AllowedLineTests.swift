import JSON
import MachineStart
import Testing

/// A hostile archive names whatever it likes; the script has what is on the list.
@Suite struct AllowedLineTests {
  private static let base = ["qemu-system-x86_64", "-nodefaults", "-machine", "q35"]

  /// A machine with one disk, which was restored.
  private static func script(
    _ words: [String], hasMemory: Bool = false, drives: [MachineRecord.Drive] = [Self.disk],
    disks: [RestoredDisk] = [Self.restored]
  ) throws -> StartScript {
    let line = RecordedLine(
      arguments: base + words, directory: "/tmp", executable: "/bin/sh", redacted: [])
    let record = MachineRecord(
      facts: ["query-target": ["arch": "x86_64"], "command-line": line.json], drives: drives)
    return try StartScript(
      hasMemory ? .resume : .start, of: record, disks, hasMemory: hasMemory, isTrusted: false)
  }

  private static let disk = MachineRecord.Drive(
    stream: "disk0", backEnd: "", qdev: "/machine/peripheral/disk0/virtio-backend", node: "n0",
    isReadOnly: false)
  private static let restored = RestoredDisk(
    stream: "disk0", file: .beside("disk0.raw"), format: .raw)

  /// The command of a script, without its comments.
  private static func code(_ script: StartScript) -> String {
    script.text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined(separator: "\n")
  }

  struct Attack: CustomTestStringConvertible {
    let words: [String]
    /// What must not be in the script's code.
    let harm: String
    var testDescription: String { words.joined(separator: " ") }
  }

  static let attacks: [Attack] = [
    Attack(words: ["-device", "virtio-net-pci,romfile=/etc/shadow"], harm: "shadow"),
    Attack(
      words: ["-device", #"{"driver":"virtio-net-pci","romfile":"/etc/shadow"}"#], harm: "shadow"),
    Attack(words: ["-device", "loader,file=/etc/shadow"], harm: "loader"),
    Attack(words: ["-device", "vfio-pci,host=00:02.0"], harm: "vfio"),
    Attack(words: ["-device", "virtio-blk-pci,drive=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-device", "virtio-blk-pci\n,drive=n0"], harm: "virtio-blk"),
    Attack(words: ["-device", "pvpanic,id=$(touch x)"], harm: "touch"),
    Attack(words: ["-device", "pvpanic,bus=`touch x`"], harm: " `touch"),
    Attack(words: ["-netdev", "tap,id=n,script=/tmp/x,downscript=/tmp/y"], harm: "/tmp/"),
    Attack(words: ["-netdev", "bridge,id=n,helper=/tmp/x"], harm: "helper"),
    Attack(
      words: [
        "-netdev", "user,id=n,hostfwd=tcp::22-:22,smb=/,tftp=/,guestfwd=tcp:1.2.3.4:1-cmd:x",
      ], harm: "=" + "/"),
    Attack(words: ["-netdev", "user,id=n,restrict=off"], harm: "restrict=off"),
    Attack(words: ["-nic", "tap,script=/tmp/x,model=e1000"], harm: "/tmp/"),
    Attack(words: ["-net", "nic,model=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-chardev", "file,id=c,path=/etc/passwd"], harm: "passwd"),
    Attack(words: ["-chardev", "socket,id=c,host=evil,port=1"], harm: "evil"),
    Attack(words: ["-serial", "file:/etc/passwd"], harm: "passwd"),
    Attack(words: ["-serial", "chardev:nobody"], harm: "nobody"),
    Attack(words: ["-drive", "file=/etc/shadow,if=virtio,format=raw"], harm: "shadow"),
    Attack(words: ["-drive", "file=/etc/shadow,if=pflash,format=raw"], harm: "shadow"),
    Attack(
      words: ["-drive", "file=/usr/share/OVMF/../../../etc/shadow,if=pflash"], harm: "shadow"),
    Attack(
      words: ["-drive", #"file=json:{"driver":"file",,"filename":"/etc/shadow"},if=virtio"#],
      harm: "shadow"),
    Attack(words: ["-blockdev", "driver=file,node-name=x,filename=/etc/shadow"], harm: "shadow"),
    Attack(
      words: [
        "-blockdev", "driver=file,node-name=x,filename=/etc/shadow", "-device",
        "virtio-blk-pci,drive=x",
      ], harm: "shadow"),
    Attack(
      words: [
        "-blockdev", "driver=raw,node-name=n0,file.filename=/etc/shadow,cache.direct=on",
        "-device", "virtio-blk-pci,drive=n0,id=disk0",
      ], harm: "shadow"),
    Attack(words: ["/etc/shadow"], harm: "shadow"),
    Attack(words: ["-cdrom", "/etc/shadow"], harm: "shadow"),
    Attack(
      words: ["-object", "memory-backend-file,id=m,size=1M,mem-path=/etc/x"], harm: "mem-path"),
    Attack(words: ["-object", "secret,id=s,file=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-object", "filter-dump,id=d,netdev=n,file=/tmp/x"], harm: "filter-dump"),
    Attack(words: ["-readconfig", "/tmp/x"], harm: "readconfig"),
    Attack(words: ["-incoming", "exec:touch x"], harm: "exec:touch"),
    Attack(words: ["-qtest", "unix:/tmp/x"], harm: "qtest"),
    Attack(words: ["-plugin", "/tmp/x.so"], harm: "plugin"),
    Attack(words: ["-D", "/tmp/x"], harm: "/tmp/x"),
    Attack(words: ["@/tmp/file"], harm: "/tmp/file"),
    Attack(words: ["-kernel", "/etc/shadow"], harm: "shadow"),
    Attack(words: ["-initrd", "/etc/shadow"], harm: "shadow"),
    Attack(words: ["-bios", "/etc/shadow"], harm: "shadow"),
    Attack(words: ["-bios", "/usr/share/qemu/../../../etc/shadow"], harm: "shadow"),
    Attack(words: ["-L", "/tmp"], harm: "/tmp"),
    Attack(words: ["-smbios", "type=1,file=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-smbios", "file=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-smbios", "type=11,path=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-fw_cfg", "name=opt/x,file=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-acpitable", "file=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-option-rom", "/etc/shadow"], harm: "shadow"),
    Attack(words: ["-machine", "q35,dtb=/etc/shadow,firmware=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-machine", "q35,pflash0=nobody"], harm: "nobody"),
    Attack(words: ["-boot", "splash=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-global", "virtio-net-pci.romfile=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-set", "device.x.romfile=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-monitor", "tcp:evil:1"], harm: "evil"),
    Attack(words: ["-qmp", "tcp:evil:1"], harm: "evil"),
    Attack(words: ["-gdb", "tcp::1"], harm: "gdb"),
    Attack(words: ["-vnc", "0.0.0.0:1"], harm: "0.0.0.0"),
    Attack(words: ["-audiodev", "wav,id=a,path=/etc/x"], harm: "/etc/x"),
    Attack(words: ["-name", "guest=$(touch x),process=evil"], harm: "evil"),
    Attack(words: ["-uuid", "x\u{1B}[0m"], harm: "\u{1B}"),
    Attack(words: ["-cpu", "host,x=/etc/shadow"], harm: "shadow"),
    Attack(words: ["-mem-path", "/tmp/x"], harm: "mem-path"),
    Attack(words: ["-runas", "root"], harm: "runas"),
    Attack(words: ["-tpmdev", "passthrough,id=t,path=/dev/tpm0"], harm: "tpm0"),
    Attack(words: ["-virtfs", "local,path=/,mount_tag=x,security_model=none"], harm: "virtfs"),
  ]

  @Test(arguments: attacks) func `nothing of the host is reached`(_ attack: Attack) throws {
    let script = try Self.script(attack.words)
    #expect(!Self.code(script).contains(attack.harm), "\(script.text)")
    // A comment cannot become code.
    let comments = script.text.split(separator: "\n").filter { $0.hasPrefix("#") }
    #expect(comments.allSatisfy { !$0.contains("\r") && !$0.contains("\u{1B}") })
  }

  @Test func `what is left out is told in the script and beside it`() throws {
    let script = try Self.script(["-kernel", "/boot/vmlinuz", "-device", "vfio-pci,id=hd0,host=x"])
    #expect(script.leftOut == ["-kernel /boot/vmlinuz", "-device vfio-pci hd0"])
    #expect(script.text.contains("#   -kernel /boot/vmlinuz\n"))
  }

  @Test func `disks are the restored ones, in the order and with the names that they had`() throws {
    let other = MachineRecord.Drive(
      stream: "drive-scsi1", backEnd: "drive-scsi1", qdev: "scsi1", node: "#block7",
      isReadOnly: false)
    let script = try Self.script(
      [
        "-blockdev", #"{"driver":"file","filename":"/a","node-name":"s0"}"#,
        "-blockdev", #"{"driver":"qcow2","file":"s0","node-name":"n0","discard":"unmap"}"#,
        "-device", #"{"driver":"virtio-blk-pci","drive":"n0","id":"disk0","addr":"0x3"}"#,
        "-drive", "file=/b.qcow2,if=none,id=drive-scsi1,format=qcow2,cache=none,werror=stop",
        "-device", "virtio-scsi-pci,id=scsi", "-device", "scsi-hd,drive=drive-scsi1,id=scsi1",
      ], drives: [Self.disk, other],
      disks: [
        Self.restored,
        RestoredDisk(stream: "drive-scsi1", file: .path("/x,y/b.qcow2"), format: .qcow2),
      ])
    let code = Self.code(script)
    #expect(code.contains("driver=raw,discard=unmap,node-name=n0,") == false)
    #expect(code.contains("node-name=n0,discard=unmap,file.driver=file,file.filename=\"$here\""))
    #expect(code.contains("if=none,id=drive-scsi1,werror=stop,format=qcow2,file=/x,,y/b.qcow2"))
    #expect(!code.contains("/a") && !code.contains("s0,"))
    let devices = code.split(separator: "\n").filter { $0.contains("-device ") }
    #expect(devices.map { $0.contains("disk0") } == [true, false, false])
    #expect(devices[0].contains("virtio-blk-pci,drive=n0,id=disk0,addr=0x3"))
  }

  @Test func `a disk that was not restored is left out with its device`() throws {
    let words = [
      "-blockdev", "driver=file,node-name=n0,filename=/a", "-device",
      "virtio-blk-pci,drive=n0,id=disk0", "-drive", "if=none,id=cd,media=cdrom,file=/x.iso",
      "-device", "ide-cd,drive=cd,id=cd0",
    ]
    let script = try Self.script(words, disks: [])
    #expect(!Self.code(script).contains("disk0"))
    // An optical drive is there without its disc.
    #expect(Self.code(script).contains("ide-cd,drive=cd,id=cd0"))
    #expect(script.leftOut.count == 3)
  }

  @Test func `firmware is taken from where distributions put it`() throws {
    let code = "/usr/share/OVMF/OVMF_CODE_4M.fd"
    let vars = MachineRecord.Drive(
      stream: "pflash1", backEnd: "pflash1", qdev: "/machine/system.flash1", node: "v",
      isReadOnly: false)
    let script = try Self.script(
      [
        "-drive", "if=pflash,unit=0,format=raw,readonly=on,file=\(code)",
        "-drive", "if=pflash,unit=1,format=raw,file=/var/lib/vars.fd",
      ], drives: [vars],
      disks: [RestoredDisk(stream: "pflash1", file: .beside("pflash1.raw"), format: .raw)])
    #expect(Self.code(script).contains("if=pflash,unit=0,readonly=on,format=raw,file=\(code)"))
    #expect(Self.code(script).contains("if=pflash,unit=1,format=raw,file=\"$here\"/pflash1.raw"))
    #expect(script.leftOut == [])
  }

  @Test func `a card with memory to load keeps the offloads of its tap device`() throws {
    let words = [
      "-netdev", "tap,id=n,script=/x,vhost=on,queues=2", "-device", "virtio-net-pci,netdev=n",
    ]
    let booted = Self.code(try Self.script(words))
    #expect(booted.contains("user,restrict=on,id=n"))
    let resumed = Self.code(try Self.script(words, hasMemory: true))
    #expect(resumed.contains("tap,id=n,script=no,downscript=no,queues=2"))
  }

  @Test func `an architecture that is a path is none`() {
    let record = MachineRecord(
      facts: ["query-target": ["arch": "../../tmp/x"], "machine-type": "pc-machine"], drives: [])
    #expect(throws: StartError.unknownArchitecture("../../tmp/x")) {
      try StartScript(.start, of: record, [], hasMemory: false, isTrusted: false)
    }
  }
}
