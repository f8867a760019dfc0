import CommandLine
import Glibc
import System
import Testing

/// `sluice read`: a disk of an archive, or a part of it.
@Suite(.inTurns) struct ReadTests {
  private let place: Scratch
  static let formats = ["raw", "qcow2", "vma", "tar", "ova"]

  /// An archive of each format, of a disk with an odd end, `d`, and another one.
  init() throws {
    place = try Scratch()
    try place.makeSparse(
      "d.raw", bytes: 9 << 20 | 1536,
      data: [(0, 512), (65536 + 4096, 200_000), (4 << 20, 3 << 20 | 100), (9 << 20 | 512, 1024)])
    try place.makeSparse("e.raw", bytes: 1 << 20, data: [(0, 1 << 20)])
  }

  private func run(_ words: [String]) async throws -> Finding {
    let finding = try await sluice(words, in: place.directory)
    #expect(finding.left == [])
    return finding
  }

  private func backUp(_ outputs: [String]) async throws {
    let images = ["--image", "d=d.raw,format=raw", "--image", "e=e.raw,format=raw"]
    let finding = try await run(
      ["backup"] + images + outputs.flatMap { ["--to", $0] })
    #expect(finding.status == 0, "\(finding.errors)")
  }

  /// A part of an archive's disk to standard output, which is then what the image has there.
  private func expectPart(_ archive: String, _ offset: Int, _ length: Int) async throws {
    try await place.shell(
      """
      '\(Build.directory)/sluice' read \(archive) --disk d --offset \(offset) --length \(length) \
        > part 2> said && grep -q 'is not verified' said &&
      tail -c +\(offset + 1) d.raw | head -c \(length) | cmp - part
      """)
  }

  @Test(arguments: formats)
  func `a part of a disk is what was backed up, and not called verified`(
    format: String
  ) async throws {
    let archive = "a.\(format)"
    try await backUp(["\(format)=\(archive)"])
    let size = 9 << 20 | 1536
    for (offset, length) in [
      (0, 512), (1, 1), (65536, 65536), (60_000, 5 << 20), (size - 700, 700), (0, size),
    ] {
      try await expectPart(archive, offset, length)
    }
  }

  @Test(arguments: formats)
  func `a whole disk is verified against the receipt`(format: String) async throws {
    let archive = "a.\(format)"
    try await backUp(["\(format)=\(archive)"])
    let finding = try await run(["read", archive, "--disk", "d", "--output", "out", "--json"])
    #expect(finding.status == 0, "\(finding.errors)")
    #expect(finding.output.contains("\"verified\":\"receipt\""))
    try await place.shell("cmp d.raw out && test $(stat -c %b out) -lt $((6 << 11))")
    // To the end of the disk: a part, which nothing proves.
    let part = try await run(
      ["read", archive, "--disk", "d", "--offset", "1M", "--output", "part", "--json"])
    #expect(part.output.contains("\"verified\":\"none\""), "\(part.output)")
    try await place.shell("tail -c +1048577 d.raw | cmp - part && ! ls -A | grep sluice-")
  }

  @Test(arguments: ["vma=a.vma.zst", "tar=a.tar.gz"])
  func `of a compressed archive there are whole disks only`(output: String) async throws {
    try await backUp([output])
    let archive = String(output.split(separator: "=")[1])
    let part = try await run(["read", archive, "--disk", "d", "--length", "1M", "--output", "p"])
    #expect(part.status == 69, "\(part.errors)")
    #expect(part.errors.contains("E_UNSUPPORTED"), "\(part.errors)")
    #expect(part.errors.contains("read the whole disk"), "\(part.errors)")
    #expect(try !place.names().contains("p"))
    #expect(try await run(["read", archive, "--disk", "d", "--output", "whole"]).status == 0)
    try await place.shell("cmp d.raw whole")
  }

  @Test func `what is not there is a usage error, and makes no file`() async throws {
    try await backUp(["raw=a"])
    for (words, says) in [
      (["--disk", "x"], "it contains: d, e"),
      (["--disk", "d", "--offset", "10M"], "9438720 bytes"),
      (["--disk", "e", "--length", "1025K"], "1048576 bytes"),
      (["--disk", "e", "--offset", "1M", "--length", "1"], "1048576 bytes"),
      (["--disk", "e", "--length", "0"], "--length"),
      (["--disk", "e", "--offset", "-1"], "offset"),
    ] {
      let finding = try await run(["read", "a", "--output", "out"] + words)
      #expect(finding.status == 64, "\(words): \(finding.errors)")
      #expect(finding.errors.contains(says), "\(finding.errors)")
    }
    let terminal = try await run(["read", "a", "--disk", "e", "--json"])
    #expect(terminal.status == 64 && terminal.errors.contains("--json"), "\(terminal.errors)")
    for path in ["a/out", "d.raw", "nowhere/out"] {
      let finding = try await run(["read", "a", "--disk", "e", "--output", path])
      #expect(finding.status == 73, "\(path): \(finding.errors)")
    }
    #expect(try place.names().sorted() == ["a", "d.raw", "e.raw"])
  }

  @Test func `a part of an increment is refused, and all of it is read through its chain`()
    async throws
  {
    let image = ["backup", "--image", "d=d.raw,format=raw"]
    #expect(try await run(image + ["--to", "qcow2=full", "--level", "full"]).status == 0)
    try place.write("d.raw", noise(65536, seed: 7), at: 1 << 20)
    let more = ["--to", "qcow2=more", "--level", "incremental", "--parent", "full"]
    #expect(try await run(image + more).status == 0)
    let part = try await run(["read", "more", "--disk", "d", "--length", "1M", "--output", "p"])
    #expect(part.status == 69, "\(part.errors)")
    #expect(part.errors.contains("is incremental"), "\(part.errors)")
    #expect(try await run(["read", "more", "--disk", "d", "--output", "whole"]).status == 0)
    try await place.shell("cmp d.raw whole && test ! -e p")
  }

  @Test func `damage in the part fails it, and damage elsewhere does not`() async throws {
    try await backUp(["vma=a.vma"])
    // The second extent's header.
    try await place.shell(
      """
      python3 -c "
      f = open('a.vma', 'r+b'); b = f.read(); f.seek(b.rfind(b'VMAE') + 30); f.write(b'x')"
      """)
    try await expectPart("a.vma", 0, 65536)
    let finding = try await run(
      ["read", "a.vma", "--disk", "e", "--offset", "960K", "--output", "p"])
    #expect(finding.status == 65, "\(finding.errors)")
    #expect(finding.errors.contains("wrong checksum"), "\(finding.errors)")
    #expect(try !place.names().contains("p"))
  }

  @Test func `a damaged whole disk is told and leaves no file`() async throws {
    try await backUp(["raw=a"])
    try place.write("a/d.raw", [1, 2, 3], at: 5 << 20)
    let finding = try await run(["read", "a", "--disk", "d", "--output", "p"])
    #expect(finding.status == 65 && finding.errors.contains("differs from the receipt"))
    #expect(try !place.names().contains("p"))
  }

  @Test func `Ctrl-C ends it, with nothing left behind`() async throws {
    try await backUp(["raw=a"])
    for more in [["--offset", "64K"], []] {
      let program = try startSluice(
        [
          "read", place.path("a"), "--disk", "d", "--output", place.path("out"), "--json",
          "--rate-limit", "100K",
        ] + more)
      #expect(try await program.says("\"started\""))
      try await Task.sleep(for: .milliseconds(300))
      program.send(SIGINT)
      let finding = try await program.finding()
      #expect(finding.status == 130, "\(finding.errors)")
      #expect(finding.errors.contains("was not created"), "\(finding.errors)")
      #expect(finding.left == [])
      #expect(try place.names().sorted() == ["a", "d.raw", "e.raw"])
    }
  }

  @Test func `a slow reader of standard output is no fault of the plugin's`() async throws {
    try await backUp(["raw=a"])
    try await place.shell(
      """
      '\(Build.directory)/sluice' read a --disk d --offset 64K --stall-limit 1 2> said |
      { head -c 100000; sleep 3; cat; } > part && tail -c +65537 d.raw | cmp - part
      """)
  }

  @Test func `a reader of standard output that stops or goes away ends it`() async throws {
    try await backUp(["raw=a"])
    let sluice = "'\(Build.directory)/sluice' read a --disk d"
    let gone = try await place.shell(
      "{ \(sluice) 2> said; echo $? > status; } | head -c 10 > /dev/null; cat status said")
    #expect(gone.hasPrefix("74") && gone.contains("cannot write to standard output"), "\(gone)")
    let slow = try await place.shell(
      """
      { timeout -s INT 2 \(sluice) 2> said; echo $? > status; } | sleep 4; cat status said
      """)
    // The status of timeout(1).
    #expect(slow.hasPrefix("124") && slow.contains("standard output is incomplete"), "\(slow)")
  }
}
