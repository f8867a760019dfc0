import CommandLine
import System
import Testing

/// `sluice doctor --qmp` and `sluice recover --bitmaps`, with a QEMU without a guest.
@Suite(.inTurns, .enabled(if: Build.has("qemu-system-x86_64"), "needs qemu-system-x86"))
struct DirtyBitmapTests {
  private let place: Scratch
  private let first = String(repeating: "0badcafe", count: 4)
  private let second = "0bad" + String(repeating: "7", count: 28)

  init() throws { place = try Scratch() }

  /// A machine whose disk has bitmaps, which QEMU's own tool has made.
  private func machine(_ bitmaps: [String]) async throws -> Program {
    let adding = bitmaps.map { "qemu-img bitmap --add -g 65536 disk \($0)" }
    let making = ["qemu-img create -q -f qcow2 disk 64M"] + adding
    try await place.shell(making.joined(separator: " && "))
    let qemu = try Program(
      [
        "qemu-system-x86_64", "-nodefaults", "-display", "none", "-accel", "tcg", "-S", "-m", "64",
        "-qmp", "unix:qmp,server=on,wait=off",
        "-blockdev", "driver=qcow2,node-name=n0,file.driver=file,file.filename=disk",
        "-device", "virtio-blk-pci,drive=n0,id=disk0",
      ], in: place.directory)
    let deadline = MonotonicTime.now.advanced(bySeconds: 20)
    while !place.exists("qmp"), MonotonicTime.now < deadline {
      try await Task.sleep(for: .milliseconds(10))
    }
    return qemu
  }

  private func recover(_ bitmaps: String...) async throws -> Finding {
    try await sluice(
      ["recover", "--qmp", "qmp"] + bitmaps.flatMap { ["--bitmaps", $0] }, in: place.directory)
  }

  private func doctor() async throws -> String {
    try await sluice(["doctor", "--qmp", "qmp"], in: place.directory).output
  }

  @Test func `bitmaps are listed with what they cost, and removed by backup`() async throws {
    let qemu = try await machine(["sluice-\(first).1.disk0", "sluice-\(second).1.disk0", "theirs"])
    let said = try await doctor()
    let line = "dirty bitmap of backup \(first) (age unknown): disk0: 0 MiB changed since"
    #expect(said.contains(line) && !said.contains("theirs"), "\(said)")
    #expect(said.contains("dirty bitmaps take 1 KiB of QEMU's memory"), "\(said)")
    for (wrong, words) in [("0bad", "more than one backup"), ("1bad", "no dirty bitmap is of")] {
      let refused = try await recover(wrong)
      #expect(refused.status == 64 && refused.errors.contains(words), "\(refused)")
    }
    // Nobody knows how old these are.
    #expect(try await recover("older-than=1h").output.contains("nothing to clean up"))
    let removed = try await recover("0BADC")
    #expect(removed.status == 0 && removed.output.contains("backup \(first) removed"), "\(removed)")
    #expect(try await doctor().contains(second))
    #expect(try await recover().output.contains("nothing to clean up"))
    #expect(try await recover("all").status == 0)
    #expect(try await !doctor().contains("dirty bitmap"))
    qemu.send(15)
    _ = try await qemu.finding(within: 20)
    let left = try await place.shell("qemu-img info disk")
    #expect(left.contains("theirs") && !left.contains("sluice-"))
  }

  @Test func `a disk with eight bitmaps is told, with the way out`() async throws {
    let names = (0..<8).map { "sluice-" + String(repeating: "\($0)", count: 32) + ".1.disk0" }
    let qemu = try await machine(names)
    let said = try await doctor()
    #expect(said.contains("disk0: 8 dirty bitmaps, so the next backup adds none"), "\(said)")
    #expect(said.contains("sluice recover --qmp qmp --bitmaps ID"), "\(said)")
    let removed = try await recover("00000000", "1111", "11111")
    #expect(removed.lines.filter { $0.contains("removed") }.count == 2, "\(removed)")
    #expect(try await !doctor().contains("adds none"))
    qemu.send(9)
    _ = try await qemu.finding(within: 20)
  }

  @Test(arguments: [
    "", "0ba", "older-than=", "older-than=3", "every", "sluice-0badcafe", "0badcafz",
  ])
  func `what names no bitmaps is a wrong command line`(_ word: String) async throws {
    #expect(try await recover(word).status == 64)
  }
}
