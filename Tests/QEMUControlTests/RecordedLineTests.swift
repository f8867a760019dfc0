import CommandLine
import Glibc
import JSON
import MachineStart
import QEMUControl
import System
import Testing

/// The command line of a running QEMU, and the machine that is made of it, or without it.
@Suite(.inTurns, .enabled(if: Emulator.isThere, Emulator.missing))
struct RecordedLineTests {
  private static let disks = [
    "-machine", "q35", "-name", "guest=web,debug-threads=on",
    "-uuid", "8e2f5a44-6f0e-4d0e-9a44-0f2f0d8f1a11", "-smp", "4,cores=2",
    "-blockdev", "driver=file,node-name=n0,filename=a.raw",
    "-device", "pcie-root-port,id=rp1,chassis=3,slot=3",
    "-device", "virtio-blk-pci,drive=n0,id=disk0,bus=rp1,serial=S1,write-cache=on",
    "-drive", "if=none,id=d1,format=raw,file=b.raw", "-device", "virtio-scsi-pci,id=scsi",
    "-device", "scsi-hd,drive=d1,id=disk1,bus=scsi.0,scsi-id=5,lun=0",
    "-netdev", "user,id=net0,restrict=on",
    "-device", "virtio-net-pci,netdev=net0,id=nic0,mac=52:54:00:00:00:07,addr=7.0",
    "-chardev", "null,id=agent", "-device", "virtio-serial-pci,id=serial",
    "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0,id=agent0",
    "-object", "secret,id=key,data=topsecret123",
  ]
  private static let files = "truncate -s 8M a.raw b.raw"

  @Test func `the command line of the process that holds the socket is recorded`() async throws {
    let emulator = try await Emulator(Self.disks, prepare: Self.files)
    let machine = try await GuestMachine.inspect(emulator.connect())
    guard case .known(let line) = machine.commandLine else {
      Issue.record("\(machine.commandLine)")
      return
    }
    #expect(line.arguments.contains("virtio-scsi-pci,id=scsi"))
    #expect(line.directory == (try realPath(emulator.files.directory)))
    #expect(line.executable.contains("qemu-system"))
    #expect(line.redacted == ["-object key: data"])
    #expect(machine.commandLine.warning?.contains("-object key: data") == true)
    #expect(RecordedLine(facts: machine.description) == line)
    #expect(!machine.description.text.contains("topsecret123"))
  }

  @Test func `that of a process which does not hold the socket is not`() async throws {
    let emulator = try await Emulator(Self.disks, monitors: 2, prepare: Self.files)
    // As if this process had made the socket for QEMU.
    let monitor = BorrowedMonitor(try await emulator.connect(), process: getpid())
    let machine = try await GuestMachine.inspect(monitor)
    let reason = "process \(getpid()) does not hold the monitor's socket"
    #expect(machine.commandLine == .unknown(reason))
    #expect(machine.description["command-line"]?["absent"] == .string(reason))
    #expect(machine.commandLine.warning?.hasSuffix(reason) == true)
    let nobody = BorrowedMonitor(try await emulator.connect(1), process: nil)
    #expect(try await GuestMachine.inspect(nobody).commandLine.warning != nil)
  }

  /// What a guest sees of a machine: devices with their places and settings.
  private func devices(_ client: QMPClient) async throws -> [String] {
    let machine = try await GuestMachine.inspect(client)
    let devices = (machine.description["devices"]?.array ?? []).map { device in
      var object = device.object ?? [:]
      // Where the other ends are is no business of the guest.
      object["drive"] = object["drive"] == nil ? nil : "one"
      return JSONValue.object(
        object.members.sorted { $0.name < $1.name }.reduce(into: JSONObject()) {
          $0[$1.name] = $1.value
        }
      ).text
    }
    let facts = machine.description
    let whole = ["machine", "machine-type", "cpu-type", "query-uuid", "query-name"].map {
      "\($0): \(facts[$0]?.text ?? "")"
    }
    return devices.sorted() + whole
  }

  @Test(arguments: [true, false])
  func `a script starts the same machine, with its command line and without`(
    isRecorded: Bool
  ) async throws {
    let emulator = try await Emulator(Self.disks, prepare: Self.files)
    let client = try await emulator.connect()
    let before = try await devices(client)
    var facts = try await GuestMachine.inspect(client).description.object ?? [:]
    if !isRecorded { facts["command-line"] = nil }
    let record = MachineRecord(facts: .object(facts))
    #expect(record.drives.map(\.stream).sorted() == ["d1", "disk0"])
    emulator.send(SIGKILL)
    _ = try await emulator.finding()
    let files = try Scratch()
    try await files.shell("truncate -s 8M disk0.raw d1.raw")
    let restored = ["disk0", "d1"].map {
      RestoredDisk(stream: $0, file: .beside("\($0).raw"), format: .raw)
    }
    let script = try StartScript(
      .start, of: record, restored, hasMemory: false, isTrusted: false)
    #expect(script.isDraft == !isRecorded)
    #expect(!script.text.contains("topsecret"))
    try files.write("start", Array(script.text.utf8))
    let arguments = ["-S", "-accel", "tcg", "-display", "none"]
    let process = try Program(
      ["env", "QEMU=\(Emulator.program)", "sh", files.path("start")] + arguments)
    let after = try await devices(connect(files.path("qmp"), process))
    #expect(after == before, "\(script.text)")
    process.send(SIGKILL)
    _ = try await process.finding()
  }

  /// Stops a guest, and saves its memory into a file beside its disk.
  private func save(_ bench: Bench) async throws {
    _ = try await bench.client.execute("stop")
    let file = bench.files.path("vmstate.bin")
    _ = try await bench.client.execute("migrate", ["uri": .string("exec:cat >'\(file)'")])
    let deadline = MonotonicTime.now.advanced(bySeconds: 20)
    while try await bench.client.execute("query-migrate")["status"] != "completed" {
      try #require(MonotonicTime.now < deadline)
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  @Test(arguments: [false, true])
  func `a script lets a guest go on with its memory, once`(isTrusted: Bool) async throws {
    let bench = try await TinyGuest.bench(writeErrors: "stop")
    try await TinyGuest.start(bench)
    let record = MachineRecord(facts: try await GuestMachine.inspect(bench.client).description)
    try await save(bench)
    let before = try await TinyGuest.counts(bench).writes
    bench.emulator.send(SIGKILL)
    _ = try await bench.emulator.finding()
    let script = try StartScript(
      .resume, of: record,
      [RestoredDisk(stream: "disk0", file: .beside("boot.raw"), format: .raw)], hasMemory: true,
      isTrusted: isTrusted)
    // A list of QEMU has commas between its parts.
    let files = try Scratch()
    let place = files.path("a,b")
    try await bench.files.shell("mkdir '\(place)' && mv boot.raw vmstate.bin '\(place)'")
    try files.write("a,b/resume", Array(script.text.utf8))
    let words = ["env", "QEMU=\(Emulator.program)", "sh", files.path("a,b/resume")]
    let process = try Program(words)
    let client = try await connect(files.path("a,b/qmp"), process)
    let deadline = MonotonicTime.now.advanced(bySeconds: 20)
    while try await client.execute("query-status")["status"] != "running" {
      try #require(MonotonicTime.now < deadline, "\(script.text)")
      try await Task.sleep(for: .milliseconds(20))
    }
    var now = try await TinyGuest.counts(client)
    while now.writes <= before + 5 {
      try #require(MonotonicTime.now < deadline)
      now = try await TinyGuest.counts(client)
    }
    #expect(now.errors == 0)
    process.send(SIGKILL)
    #expect(try await process.finding().left == [])
    let again = try await Program(words).finding()
    #expect(again.status == 73 && again.errors.contains("was started before"))
  }

  private func connect(_ path: String, _ process: Program) async throws -> QMPClient {
    let deadline = MonotonicTime.now.advanced(bySeconds: 20)
    while true {
      do throws(QMPError) { return try await QMPClient.connect(path: path) } catch {
        guard case .cannotConnect = error, MonotonicTime.now < deadline else {
          process.send(SIGKILL)
          Issue.record("\(try await process.finding().errors)")
          throw error
        }
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }
}

/// A monitor whose socket was made by another process than QEMU.
private struct BorrowedMonitor: Monitor {
  private let client: QMPClient
  let process: Int32?

  init(_ client: QMPClient, process: Int32?) {
    self.client = client
    self.process = process
  }

  func ask(
    _ command: String, _ arguments: JSONObject, seconds: Double, passing descriptor: Int32?
  ) async throws(QMPError) -> JSONValue {
    try await client.ask(command, arguments, seconds: seconds, passing: descriptor)
  }

  func events() -> AsyncStream<QMPEvent> { client.events() }
  var inheritableDescriptor: Int32 { client.inheritableDescriptor }
  func close() { client.close() }
}
