import CommandLine
import Glibc
import Requests
import Sandbox
import SharedPool
import System
import Testing

@testable import BlockSource

/// Whoever wrote a disk must not choose what is archived.
@Suite(.inTurns) struct HostileImageTests {
  let shop: ImageFolder

  init() throws { shop = try ImageFolder() }

  /// What the inspection says about an image, as a value.
  private func refusal(
    _ name: String, format: ImageFormat? = nil, allow: [String] = []
  ) -> SourceError? {
    do throws(SourceError) {
      _ = try ImageInspector.inspect(
        ImageRequest(name: "disk", path: shop.path(name), format: format, allowBacking: allow),
        launcher: shop.launcher, mode: .auto)
      return nil
    } catch { return error }
  }

  private func why(_ error: SourceError?) -> SourceError.NameFault? {
    guard case .nameRefused(_, _, let why)? = error else { return nil }
    return why
  }

  @Test func `the password file is no backing file`() throws {
    try shop.shell("qemu-img create -q -f qcow2 -u -b /etc/shadow -F raw a.qcow2 1M")
    #expect(why(refusal("a.qcow2")) == .elsewhere(directory: "/etc"))
  }

  @Test func `the password file is no backing file further down the chain`() throws {
    try shop.shell(
      """
      qemu-img create -q -f qcow2 -u -b /etc/shadow -F raw low.qcow2 1M && \
      qemu-img create -q -f qcow2 -u -b low.qcow2 -F qcow2 top.qcow2 1M
      """)
    #expect(why(refusal("top.qcow2")) == .elsewhere(directory: "/etc"))
  }

  @Test func `the password file is no data file`() throws {
    // Made with a harmless name of the same length: qemu-img would empty the file it is given.
    try shop.shell("qemu-img create -q -f qcow2 -o data_file=harmless.it a.qcow2 1M")
    try shop.patch("a.qcow2", find: Array("harmless.it".utf8), replace: Array("/etc/shadow".utf8))
    #expect(why(refusal("a.qcow2")) == .elsewhere(directory: "/etc"))
  }

  @Test(arguments: [
    "RW 8 FLAT \"/etc/shadow\" 0", "RW 8 SPARSE \"/etc/shadow\"",
    "RW\n8\nFLAT\n\"/etc/shadow\" 0", "  RW\t8 VMFS \t\"/etc/shadow\" 0",
  ])
  func `the password file is no extent`(line: String) throws {
    try shop.makeDescriptor("a.vmdk", line)
    #expect(why(refusal("a.vmdk")) == .elsewhere(directory: "/etc"))
  }

  @Test(arguments: [
    "json:{\"driver\":\"file\",\"filename\":\"/etc/shadow\"}", "nbd:localhost:10809",
    "nbd://localhost/x", "http://localhost/x", "fat:/etc", "file:/etc/shadow", "ssh://h/x",
  ])
  func `a name with a protocol is not followed`(name: String) throws {
    try shop.shell("qemu-img create -q -f qcow2 -u -b '\(name)' -F raw a.qcow2 1M")
    #expect(why(refusal("a.qcow2")) == .notAPlainFile)
    try shop.makeDescriptor(
      "a.vmdk", "RW 8 FLAT \"\(name.split(separator: "\"").first ?? "")\" 0")
    #expect(why(refusal("a.vmdk")) == .notAPlainFile)
  }

  @Test func `links lead nowhere`() throws {
    try shop.shell(
      """
      ln -s /etc/shadow base.raw && ln -s /etc etc && \
      qemu-img create -q -f qcow2 -u -b base.raw -F raw a.qcow2 1M && \
      qemu-img create -q -f qcow2 -u -b etc/shadow -F raw b.qcow2 1M && \
      qemu-img create -q -f qcow2 -u -b ../../../etc/shadow -F raw c.qcow2 1M && \
      mkdir sub && cp /dev/null sub/x.raw && \
      qemu-img create -q -f qcow2 -u -b sub/x.raw -F raw d.qcow2 1M
      """)
    #expect(why(refusal("a.qcow2")) == .link)
    #expect(why(refusal("b.qcow2")) == .elsewhere(directory: "/etc"))
    #expect(why(refusal("c.qcow2")) == .elsewhere(directory: "/etc"))
    #expect(why(refusal("d.qcow2")) == .elsewhere(directory: shop.path("sub")))
  }

  @Test(arguments: ["sub/", "sub/..", ".", "a\u{1B}[2J"])
  func `a name that is no file name is refused`(name: String) throws {
    try shop.shell("mkdir sub; qemu-img create -q -f qcow2 -u -b '\(name)' -F raw a.qcow2 1M")
    #expect(why(refusal("a.qcow2")) == .malformed)
  }

  @Test func `a directory or a pipe is no disk`() throws {
    try shop.shell(
      """
      mkdir dir.raw && mkfifo pipe.raw && \
      qemu-img create -q -f qcow2 -u -b pipe.raw -F raw a.qcow2 1M
      """)
    for name in ["dir.raw", "pipe.raw"] {
      #expect(refusal(name) == .notAFile(path: shop.path(name)))
    }
    #expect(refusal("a.qcow2") == .notAFile(path: shop.path("pipe.raw")))
  }

  @Test func `an allowed directory may hold backing files`() throws {
    try shop.makeRaw("base.raw", bytes: 1 << 20)
    try shop.shell(
      """
      mkdir overlays library && mv base.raw library/ && ln -s library alias && cd overlays && \
      qemu-img create -q -f qcow2 -b ../library/base.raw -F raw a.qcow2
      """)
    let library = shop.path("library")
    #expect(why(refusal("overlays/a.qcow2")) == .elsewhere(directory: library))
    #expect(refusal("overlays/a.qcow2", allow: [library]) == nil)
    #expect(refusal("overlays/a.qcow2", allow: [shop.path("alias")]) == nil)
    #expect(
      why(refusal("overlays/a.qcow2", allow: [library + "/../overlays"]))
        == .elsewhere(directory: library))
    #expect(
      refusal("overlays/a.qcow2", allow: ["/nowhere"]) == .directoryUnusable(path: "/nowhere"))
  }

  @Test func `an image behind a link may stand on files beside the link and beside itself`() throws
  {
    try shop.shell("mkdir vm store other && touch vm/b.raw store/b.raw other/b.raw")
    for (name, backing) in [
      ("relative", "b.raw"), ("here", shop.path("vm/b.raw")), ("there", shop.path("store/b.raw")),
      ("away", shop.path("other/b.raw")), ("up", "../other/b.raw"),
    ] {
      try shop.shell(
        """
        qemu-img create -q -f qcow2 -u -b '\(backing)' -F raw store/\(name).qcow2 1M && \
        ln -s ../store/\(name).qcow2 vm/
        """)
    }
    for name in ["relative", "here", "there"] { #expect(refusal("vm/\(name).qcow2") == nil) }
    for name in ["away", "up"] {
      #expect(why(refusal("vm/\(name).qcow2")) == .elsewhere(directory: shop.path("other")))
    }
    // The image's own name says nothing of where a link to it lies.
    #expect(why(refusal("store/here.qcow2")) == .elsewhere(directory: shop.path("vm")))
  }

  @Test func `a chain that bites its tail ends`() throws {
    try shop.shell(
      """
      qemu-img create -q -f qcow2 -u -b b.qcow2 -F qcow2 a.qcow2 1M && \
      qemu-img create -q -f qcow2 -u -b a.qcow2 -F qcow2 b.qcow2 1M
      """)
    #expect(refusal("a.qcow2") == .chainLoop(path: shop.path("a.qcow2")))
  }

  @Test func `a chain has a limit`() throws {
    try shop.shell(
      """
      qemu-img create -q -f qcow2 0.qcow2 1M && for i in $(seq 1 32); do \
      qemu-img create -q -f qcow2 -u -b $((i-1)).qcow2 -F qcow2 $i.qcow2 1M || exit 1; done
      """)
    #expect(refusal("31.qcow2") == nil)
    #expect(refusal("32.qcow2") == .chainTooDeep(path: shop.path("32.qcow2"), limit: 32))
  }

  @Test func `a backing file whose format is not recorded is not guessed at`() throws {
    try shop.shell("qemu-img create -q -f qcow2 -u -b base.raw -F raw a.qcow2 1M; touch base.raw")
    // The extension that holds the format becomes one that nobody knows.
    try shop.patch("a.qcow2", find: [0xE2, 0x79, 0x2A, 0xCA], replace: [0xE2, 0x79, 0x2A, 0xCB])
    #expect(
      refusal("a.qcow2")
        == .backingFormatMissing(backing: "base.raw", image: shop.path("a.qcow2")))
  }

  @Test func `formats that stand on files QEMU would not read are refused`() throws {
    try shop.shell("qemu-img create -q -f vpc a.vhd 4M && qemu-img create -q -f vmdk b.vmdk 4M")
    // Type 4 at byte 60 of the header: differencing. Capacity 0: "look into the text".
    try shop.overwrite("a.vhd", at: 60, with: [0, 0, 0, 4])
    try shop.overwrite("b.vmdk", at: 12, with: [0, 0, 0, 0, 0, 0, 0, 0])
    for name in ["a.vhd", "b.vmdk"] {
      guard case .unsupported(let path, _)? = refusal(name) else {
        Issue.record("\(name) was taken")
        continue
      }
      #expect(path == shop.path(name))
    }
  }
}
