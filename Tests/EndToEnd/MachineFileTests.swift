import CommandLine
import JSON
import MachineSamples
import System
import Testing

/// Files that describe the machine: on their way, and what is learnt from them.
@Suite(.inTurns) struct MachineFileTests {
  private let place: Scratch
  private let plugins: StackFolder

  init() async throws {
    place = try Scratch()
    plugins = try await StackFolder()
    try place.makeSparse("a.raw", bytes: 3 << 20, data: [(0, 70_000)])
    try place.makeSparse("b.raw", bytes: 1 << 20, data: [(4096, 4096)])
    try place.write("vm.xml", Array(Samples.libvirt.utf8))
    try place.write("101.conf", Array(Samples.proxmox.utf8))
    try place.write("machine.json", Array(Samples.json.utf8))
  }

  private func run(_ arguments: [String]) async throws -> Finding {
    try await sluice(
      [arguments[0], "--plugin-path", plugins.path] + arguments.dropFirst(), in: place.directory)
  }

  private let images = ["--image", "drive-scsi0=a.raw", "--image", "drive-scsi8=b.raw"]

  /// What the plugin of a stack was told of the machine.
  private func told(_ stack: String) throws -> JSONValue {
    let bytes = try place.bytes(stack)
    let length = (0..<4).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    let head = try JSONValue(parsing: Array(bytes[12..<(12 + length)]))
    return try #require(head["job"]?["machine"], "the job had no machine")
  }

  @Test func `files travel unchanged, and the plugin is told what they say`() async throws {
    let made = try await run(
      ["backup"] + images
        + ["--proxmox-config", "101.conf", "--libvirt-xml", "vm.xml", "--to", "raw=m"]
        + ["--to", "stack=s"])
    #expect(made.status == 0 && made.errors == "", "\(made.errors)")
    let restored = try await run(["restore", "s", "--to", "r"])
    #expect(restored.status == 0, "\(restored.errors)")
    for folder in ["m", "r"] {
      try await place.shell("cmp vm.xml \(folder)/vm.xml; cmp 101.conf \(folder)/qemu-server.conf")
    }
    let receipt = try JSONValue(parsing: try place.bytes("s.sluice.json"))
    #expect(receipt["vm"]?["id"] == "101" && receipt["vm"]?["name"] == "db & web")
    let roles = receipt["streams"]?.array?.compactMap { $0["role"]?.string }
    #expect(roles == ["libvirt-xml", "proxmox-conf", "disk", "disk"])
    #expect(try told("s")["memory"] == 6_442_450_944, "libvirt's file goes before Proxmox'")
  }

  @Test func `a conversion tells what the archive's own files say`() async throws {
    let made = try await run(
      ["backup"] + images + ["--proxmox-config", "101.conf", "--to", "raw=m"])
    #expect(made.status == 0, "\(made.errors)")
    let converted = try await run(["convert", "m", "--to", "stack=s"])
    #expect(converted.status == 0 && converted.errors == "", "\(converted.errors)")
    let machine = try told("s")
    #expect(machine["memory"] == 3_221_225_472 && machine["name"] == "db1")
    let streams = machine["disks"]?.array?.compactMap { $0["stream"]?.string }
    #expect(streams == ["drive-scsi0", "drive-scsi8"])
    let again = try await run(["convert", "s", "--machine", "machine.json", "--to", "stack=t"])
    #expect(again.status == 0, "\(again.errors)")
    #expect(try told("t")["memory"] == 4_294_967_296, "what the user says goes first")
  }

  @Test func `what only the archive's format tells of the machine is kept`() async throws {
    let made = try await run(
      ["backup"] + images + ["--machine", "machine.json", "--to", "stack=s"])
    #expect(made.status == 0, "\(made.errors)")
    // The file goes, the head of the stack stays.
    try await place.shell("sed 's/\"role\":\"machine\"/\"role\":\"message\"/' s > t")
    let converted = try await run(["convert", "t", "--to", "stack=u"])
    #expect(converted.status == 0, "\(converted.errors)")
    #expect(try told("u") == told("s"))
  }

  @Test(arguments: [
    ("--machine", "{\n\"memory\": 1}", Int32(65), "memory must be a number from 1048576"),
    ("--machine", "{\"memroy\": 1}", 65, "unknown member memroy"),
    ("--machine", "{\n\n", 65, "line 3"),
    ("--libvirt-xml", "<network/>", 65, "not a libvirt <domain> but <network>"),
    ("--libvirt-xml", "<!DOCTYPE a><a/>", 65, "a DOCTYPE is not accepted"),
    ("--proxmox-config", "hello\n", 65, "not a qemu-server.conf"),
  ])
  func `a file that is not what it should be is refused before anything is made`(
    option: String, text: String, status: Int32, words: String
  ) async throws {
    try place.write("x", Array(text.utf8))
    let finding = try await run(["backup"] + images + [option, "x", "--to", "raw=m"])
    #expect(finding.status == status && finding.errors.contains(words), "\(finding.errors)")
    #expect(
      finding.errors.contains("cannot parse \(option) x") && finding.errors.contains("--config"))
    #expect(!place.exists("m"))
  }

  @Test func `a file that is not there is a missing input`() async throws {
    let finding = try await run(["backup"] + images + ["--machine", "none", "--to", "raw=m"])
    #expect(finding.status == 66 && finding.errors.contains("none"), "\(finding.errors)")
  }
}
