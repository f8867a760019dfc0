import CommandLine
import Glibc
import System
import Testing

/// The examples as plugins of `sluice`, in its sandbox.
@Suite(.inTurns) struct `The examples in the sandbox` {
  private let place: Scratch

  init() async throws {
    place = try Scratch()
    try place.makeSparse("d.raw", bytes: 24 << 20, data: [(0, 3 << 20), (9 << 20, 6 << 20)])
    // An odd end, as no disk of QEMU has but as files do.
    try place.write("vm.conf", Array("cores: 2\n".utf8))
  }

  private func run(_ words: [String], _ example: Example) async throws -> Finding {
    try await sluice(
      [words[0], "--plugin-path", example.folder] + words.dropFirst(), in: place.directory)
  }

  private func backUp(
    _ name: String, _ example: Example, _ more: [String] = []
  ) async throws {
    let finding = try await run(
      ["backup", "--image", "d=d.raw", "--config", "vm.conf", "--to", "reel=\(name)"] + more,
      example)
    try #require(finding.status == 0, "\(finding.errors)")
    #expect(finding.left == [])
  }

  @Test(arguments: Example.sandboxed, ["auto", "off"])
  func `back up, list, verify and restore`(_ example: Example, memory: String) async throws {
    try await backUp("a.reel", example, ["--shared-memory", memory])
    let list = try await run(["list", "a.reel"], example)
    #expect(list.status == 0 && list.output.contains("vm.conf"), "\(list.errors)")
    let verified = try await run(["verify", "a.reel"], example)
    #expect(verified.status == 0 && verified.output.contains("OK"), "\(verified.errors)")
    let restored = try await run(["restore", "a.reel", "--to", "out"], example)
    #expect(restored.status == 0, "\(restored.errors)")
    try await place.shell("cmp d.raw out/d.raw && cmp vm.conf out/vm.conf")
  }

  @Test(arguments: Example.sandboxed)
  func `prove an archive without its receipt`(_ example: Example) async throws {
    try await backUp("a.reel", example)
    try await place.shell("rm a.reel.sluice.json")
    let verified = try await run(["verify", "a.reel"], example)
    #expect(verified.status == 0, "\(verified.errors)")
  }

  @Test(arguments: Example.sandboxed)
  func `back up increments, and restore every point`(_ example: Example) async throws {
    try await place.shell("mkdir b")
    try await backUp("b/full.reel", example, ["--level", "full"])
    try await place.shell(
      "cp d.raw 0.raw; dd if=/dev/urandom of=d.raw bs=64k seek=70 count=9 conv=notrunc status=none")
    try await backUp("b/next.reel", example, ["--level", "incremental", "--parent", "b"])
    try await place.shell("test $(stat -c %s b/next.reel) -lt 1000000")
    for (archive, image) in [("b/full.reel", "0.raw"), ("b/next.reel", "d.raw")] {
      let restored = try await run(["restore", archive, "--to", "out"], example)
      #expect(restored.status == 0, "\(restored.errors)")
      try await place.shell("cmp \(image) out/d.raw && rm -r out")
    }
  }

  @Test(arguments: Example.sandboxed)
  func `find damage, and salvage what is left`(_ example: Example) async throws {
    try await backUp("a.reel", example)
    try place.flip("a.reel", at: 200_000)
    let verified = try await run(["verify", "a.reel"], example)
    #expect(verified.status == 65, "\(verified.errors)")
    #expect(verified.errors.contains("damaged"), "\(verified.errors)")
    let restored = try await run(["restore", "a.reel", "--to", "out"], example)
    #expect(restored.status == 65, "\(restored.errors)")
    #expect(!place.exists("out"))
  }

  @Test(arguments: Example.sandboxed, Example.sandboxed)
  func `read what each other wrote`(_ writer: Example, _ reader: Example) async throws {
    try await backUp("a.reel", writer, ["--option", "reel.record-kib=128"])
    let restored = try await run(["restore", "a.reel", "--to", "out"], reader)
    #expect(restored.status == 0, "\(restored.errors)")
    try await place.shell("cmp d.raw out/d.raw")
  }

  @Test func `are no installed plugins`() async throws {
    let root = Build.directory + "/../../.."
    let names = try await place.shell("cd '\(root)' && . scripts/common.sh && plugin_names")
    #expect(names.contains("raw\n") && !names.contains("reel") && !names.contains("constants"))
    let list = try await sluice(["plugin", "list"])
    #expect(list.output.contains("raw") && !list.output.contains("reel"), "\(list.output)")
    #expect(!list.errors.contains("sdk"), "\(list.errors)")
  }
}
