import CommandLine
import Glibc
import System
import Testing

/// What an archive says of sizes does not decide how much memory or time the coordinator takes.
@Suite(.inTurns) struct BoundTests {
  /// Peak memory of every process of a job, in KiB.
  private static let memoryMax = 256 << 10

  let trip: RoundTrip
  private var place: Scratch { trip.place }

  init() throws { trip = try RoundTrip() }

  /// Makes a tar by Python, out of members that say a size.
  private func makeTar(_ members: String) async throws {
    try place.write("make.py", Array((Self.maker + members).utf8))
    try await place.shell("python3 make.py")
  }

  /// Runs `sluice` and expects its status, its words and how little memory it took.
  private func expectSmall(_ words: String, status: Int, says text: String) async throws {
    try place.write("peak.py", Array(Self.peak.utf8))
    let said = try await place.shell("python3 peak.py '\(Build.directory)/sluice' \(words)")
    #expect(said.contains("status \(status)") && said.contains(text), "\(said)")
    let peak = said.split(separator: "\n").last?.split(separator: " ").last.flatMap { Int($0) }
    #expect(try #require(peak) < Self.memoryMax, "\(said)")
  }

  @Test func `a thousand large configurations are refused before they are read`() async throws {
    try await makeTar("for n in range(1000): member(f'c{n}', 16 << 20)\n")
    for verb in ["convert x.tar --to raw=out", "convert x.tar --to vma=out"] {
      try await expectSmall(verb, status: 65, says: "exceed 64 MiB in total")
    }
    #expect(!place.exists("out"))
  }

  @Test func `configurations of 64 MiB together are converted`() async throws {
    try await makeTar("for n in range(4): member(f'c{n}', 16 << 20)\n")
    try await expectSmall("convert x.tar --to raw=out", status: 0, says: "complete")
  }

  @Test func `a machine's file of many values is refused`() async throws {
    try await place.shell("python3 -c 'print(\"[\" + \"{},\" * 5000000 + \"0]\")' > machine.json")
    try place.makeSparse("d.raw", bytes: 65536)
    try await expectSmall(
      "backup --image d=d.raw --machine machine.json --to raw=out", status: 65, says: "1 MiB")
  }

  /// The digest of a hole needs 32 bytes of hashing for each MiB: minutes for a PiB.
  @Test(arguments: [
    ["verify", "x.tar"], ["restore", "x.tar", "--disk", "d=d.qcow2"],
  ])
  func `one signal ends a job in a hole of a PiB within two seconds`(verb: [String]) async throws {
    try await makeTar("hole('d.raw', 1 << 50)\n")
    try await expectEndOfHole(verb, leaving: ["make.py", "x.tar"])
  }

  /// A VMA archive lists every 64 KiB, whatever is in them: its writer is busy for minutes, and
  /// reads nothing of what the host says meanwhile.
  @Test func `one signal ends a writer in a hole of 128 TiB`() async throws {
    try await place.shell("qemu-img create -q -f qcow2 d.qcow2 128T")
    try await expectEndOfHole(
      ["backup", "--image", "d=d.qcow2", "--to", "vma=|cat >/dev/null"], leaving: ["d.qcow2"])
  }

  /// The archive's map is not known before, so that all of it is planned as data.
  @Test func `one signal ends a conversion of a hole of a PiB`() async throws {
    try await makeTar("hole('d.raw', 1 << 50)\n")
    try await expectEndOfHole(
      ["convert", "x.tar", "--to", "tar=y.tar"], leaving: ["make.py", "x.tar"])
  }

  private func expectEndOfHole(_ words: [String], leaving names: [String]) async throws {
    let program = try startSluice(words + ["--json"], in: place.directory)
    _ = try await program.says("started")
    try await Task.sleep(for: .seconds(1.5))
    let sent = MonotonicTime.now
    program.send(SIGTERM)
    let finding = try await program.finding()
    #expect(finding.status == 130, "\(finding.errors)\(finding.output.suffix(500))")
    #expect(finding.left == [])
    // Two, and what a busy machine adds.
    #expect(MonotonicTime.now.seconds(since: sent) < 5)
    #expect(try place.names() == names)
  }

  /// A sandbox has room for fewer: they are dealt out to several QEMUs. 1024 are tried by
  /// Tests/Soak/many-disks.
  @Test func `two hundred disks are one job`() async throws {
    let names = (1...200).map { "d\($0)" }
    for name in names { try place.makeSparse("\(name).raw", bytes: 65536, data: [(0, 9)]) }
    let images = names.map { "--image \($0)=\($0).raw" }.joined(separator: " ")
    try await expectSmall("backup \(images) --to raw=x", status: 0, says: "200 streams")
    try await expectSmall("restore x --to back", status: 0, says: "200 streams")
    for name in names.suffix(3) { try await place.shell("cmp \(name).raw back/\(name).raw") }
  }

  private static let peak = """
    import resource, subprocess, sys
    done = subprocess.run(sys.argv[1:])
    print('status', done.returncode)
    print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)

    """

  private static let maker = """
    out = open('x.tar', 'wb')
    def header(name, size, kind, real=0):
        h = bytearray(512)
        h[0:len(name)] = name.encode()
        h[100:108], h[108:116], h[116:124] = b'0000644\\0', b'0000000\\0', b'0000000\\0'
        h[124:136], h[136:148] = b'%011o\\0' % size, b'%011o\\0' % 0
        h[156:157], h[257:265] = kind, b'ustar  \\0'
        if real: h[483:495] = b'\\x80' + real.to_bytes(11, 'big')
        h[148:156] = b' ' * 8
        h[148:156] = b'%06o\\0 ' % sum(h)
        out.write(h)
    def member(name, size):
        header(name, size, b'0')
        out.seek(size, 1)
    def hole(name, size): header(name, 0, b'S', size)
    import atexit
    def end():
        out.write(bytes(10240))
        out.close()
    atexit.register(end)

    """
}
