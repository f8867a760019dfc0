import JSON
import MachineStart
import Testing

/// The recorded command line as it is, but for disks and monitors.
@Suite struct TrustedLineTests {
  private static func script(
    _ words: [String], redacted: [String] = [], disks: [RestoredDisk]
  ) throws -> StartScript {
    let line = RecordedLine(
      arguments: ["qemu-system-x86_64"] + words, directory: "/var/lib/vm's", executable: "",
      redacted: redacted)
    let disk = MachineRecord.Drive(
      stream: "disk0", backEnd: "", qdev: "disk0", node: "n0", isReadOnly: false)
    let record = MachineRecord(
      facts: ["query-target": ["arch": "x86_64"], "command-line": line.json], drives: [disk])
    return try StartScript(.start, of: record, disks, hasMemory: false, isTrusted: true)
  }

  private static let words = [
    "-kernel", "vmlinuz $(x)", "-append", "a b'c", "-daemonize", "-pidfile", "/run/x", "-qmp",
    "unix:/run/qmp,server=on,wait=off", "-incoming", "defer", "-chardev",
    "socket,id=agent,path=/run/agent,server=on,wait=off", "-blockdev",
    "driver=file,node-name=s0,filename=/old.qcow2", "-blockdev",
    "driver=qcow2,node-name=n0,file=s0", "-device", "virtio-blk-pci,drive=n0,id=disk0",
    "-cdrom", "/iso/x.iso",
  ]
  private static let restored = RestoredDisk(
    stream: "disk0", file: .beside("disk0.raw"), format: .raw)

  @Test func `words stay as they are, and only disks and monitors are new`() throws {
    let script = try Self.script(Self.words, disks: [Self.restored])
    #expect(script.text.contains("  -kernel 'vmlinuz $(x)' \\\n"))
    #expect(script.text.contains("  -append 'a b'\\''c' \\\n"))
    #expect(script.text.contains("cd -- '/var/lib/vm'\\''s' || "))
    #expect(script.text.contains("  -cdrom /iso/x.iso \\\n"))
    #expect(script.text.contains("file.filename=\"$here\"/disk0.raw"))
    for gone in ["/old.qcow2", "daemonize", "/run/", "defer", "s0"] {
      #expect(!script.text.contains(gone), "\(gone)")
    }
    #expect(script.text.contains("path=\"$here\"/agent.socket"))
    #expect(script.stops == [] && !script.text.contains("exit 78"))
  }

  @Test func `a secret that was not archived stops the script`() throws {
    let script = try Self.script(
      ["-object", "secret,id=s0,data=<redacted>"], redacted: ["-object s0: data"],
      disks: [Self.restored])
    #expect(script.stops == ["what was not archived has to be filled in: -object s0: data"])
    #expect(script.text.contains("\nexit 78"))
  }

  @Test func `a disk that was not restored stops the script`() throws {
    let script = try Self.script(Self.words, disks: [])
    #expect(script.stops.count == 1)
  }

  @Test func `a word with a line break gives no script`() {
    #expect(throws: StartError.self) {
      try Self.script(["-append", "a\nrm -rf /"], disks: [Self.restored])
    }
  }
}
