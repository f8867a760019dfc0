import CommandLine
import Glibc
import Requests
import Sandbox
import System
import Testing

@testable import BlockSource

@Suite(.inTurns) struct InspectionTests {
  let shop: ImageFolder

  init() throws { shop = try ImageFolder() }

  private func refusal(_ name: String, format: ImageFormat? = nil) -> SourceError? {
    do throws(SourceError) {
      _ = try ImageInspector.inspect(
        ImageRequest(name: "disk", path: shop.path(name), format: format, allowBacking: []),
        launcher: shop.launcher, mode: .auto)
      return nil
    } catch { return error }
  }

  @Test func `the suffix decides and the content must agree`() throws {
    try shop.shell(
      """
      qemu-img create -q -f qcow2 a.vmdk 1M && truncate -s 1M b.qcow2 && \
      qemu-img create -q -f qcow2 c.disk 1M && truncate -s 1M d.disk && \
      qemu-img create -q -f qcow2 E.QCOW2 1M
      """)
    #expect(
      refusal("a.vmdk")
        == .formatMismatch(path: shop.path("a.vmdk"), said: .vmdk, looksLike: .qcow2))
    #expect(
      refusal("b.qcow2")
        == .formatMismatch(path: shop.path("b.qcow2"), said: .qcow2, looksLike: nil))
    #expect(
      refusal("c.disk") == .formatUnknown(path: shop.path("c.disk"), looksLike: .qcow2))
    #expect(refusal("d.disk") == .formatUnknown(path: shop.path("d.disk"), looksLike: nil))
    #expect(refusal("E.QCOW2") == nil)
  }

  @Test func `what the caller says counts`() throws {
    try shop.shell("qemu-img create -q -f qcow2 a.disk 1M && truncate -s 1M b.disk")
    #expect(refusal("a.disk", format: .qcow2) == nil)
    #expect(refusal("a.disk", format: .raw) == nil)
    #expect(
      refusal("b.disk", format: .qcow2)
        == .formatMismatch(path: shop.path("b.disk"), said: .qcow2, looksLike: nil))
  }

  @Test func `a damaged header is reported in QEMU's words`() throws {
    try shop.shell("qemu-img create -q -f qcow2 a.qcow2 1M")
    try shop.overwrite("a.qcow2", at: 4, with: [0, 0, 0, 99])
    guard case .notAnImage(_, .qcow2, let words)? = refusal("a.qcow2") else {
      Issue.record("taken as an image")
      return
    }
    #expect(words.contains("version 99"))
  }

  @Test func `files that are missing or closed to the user are told apart`() throws {
    #expect(refusal("none.raw") == .missing(path: shop.path("none.raw")))
    #expect(refusal("none/at/all.raw") == .missing(path: shop.path("none/at/all.raw")))
    try shop.shell(
      """
      ln -s nowhere dangling.raw && qemu-img create -q -f qcow2 -u -b x.raw -F raw a.qcow2 1M
      """)
    #expect(refusal("dangling.raw") == .missing(path: shop.path("dangling.raw")))
    #expect(refusal("a.qcow2") == .missing(path: shop.path("x.raw")))
  }

  @Test func `an encrypted image is refused before it is read`() throws {
    try shop.shell("qemu-img create -q -f qcow2 a.qcow2 1M")
    // The header's encryption method: AES.
    try shop.overwrite("a.qcow2", at: 32, with: [0, 0, 0, 1])
    guard case .unsupported(_, let what)? = refusal("a.qcow2") else {
      Issue.record("taken as readable")
      return
    }
    #expect(what.contains("encrypted"))
  }

  @Test func `an image that a machine writes is in use`() throws {
    try shop.shell("qemu-img create -q -f qcow2 a.qcow2 1M; truncate -s 1M b.raw")
    for (name, format) in [("a.qcow2", "qcow2"), ("b.raw", "raw")] {
      let writer = popen("exec qemu-io -f \(format) '\(shop.path(name))' >/dev/null 2>&1", "w")
      defer { pclose(writer) }
      // The writer takes its locks within milliseconds.
      var seen: SourceError?
      for _ in 0..<100 where seen == nil {
        usleep(50_000)
        seen = refusal(name)
      }
      #expect(seen == .inUse(path: shop.path(name)))
    }
    #expect(refusal("a.qcow2") == nil)
  }

  @Test func `messages give the cause and the remedy`() {
    let missing = SourceError.backingFormatMissing(backing: "b", image: "/a").description
    #expect(missing.contains("qemu-img rebase -u -F FORMAT"))
    let outside = SourceError.nameRefused(
      name: "/etc/shadow", image: "/a", why: .elsewhere(directory: "/etc")
    ).description
    #expect(outside.contains("which is outside the image's directory"))
    let unknown = SourceError.formatUnknown(path: "/a", looksLike: .vdi).description
    #expect(unknown.contains("format=vdi"))
  }
}
