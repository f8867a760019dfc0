import CommandLine
import Glibc
import System
import Testing

/// Disks, and archives of Proxmox VE of them and of others.
struct VMAScene {
  static let mebi: Int64 = 1 << 20
  static let support =
    #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" } + "/Support"
  static let hasTools = Build.has("python3") && Build.has("zstd")
  /// Archives that the genuine `vma create` wrote.
  static let oracles = getenv("SLUICE_ORACLES").map { String(cString: $0) + "/vma" }
  /// Arguments that name what ``makeSources()`` makes.
  static let sources = [
    "--image", "drive-scsi0=a.raw", "--image", "drive-scsi1=b.raw", "--config", "qemu-server.conf",
  ]

  let trip: RoundTrip
  var place: Scratch { trip.place }

  init() throws { trip = try RoundTrip() }

  /// Two disks with holes, zeros and noise, and a configuration.
  func makeSources() async throws {
    try place.makeSparse(
      "a.raw", bytes: 20 * Self.mebi,
      data: [(0, 3 << 20), (5 << 20 | 4096, 4096), (11 << 20, 70_000), (20 << 20 - 512, 512)])
    try place.write("a.raw", [UInt8](repeating: 0, count: 64 << 10), at: 1 << 20)
    try place.makeSparse("b.raw", bytes: 5 * Self.mebi + 512, data: [(1 << 20, 4 << 20 | 512)])
    try place.write("qemu-server.conf", Array("cores: 2\nscsi0: local:vm-1-disk-0\n".utf8))
  }

  /// An archive of them, `x.vma`.
  func makeArchive() async throws {
    try await makeSources()
    trip.expectSuccess(
      try await trip.run(["backup"] + Self.sources + ["--to", "vma=x.vma", "--vm-id", "101"]))
  }

  /// Verifies, restores and compares with the sources.
  func expectRestored(_ archive: String) async throws {
    let verified = try await trip.run(["verify", archive])
    trip.expectSuccess(verified)
    #expect(verified.output.contains("every byte verified against the receipt"))
    trip.expectSuccess(try await trip.run(["restore", archive, "--to", "restored"]))
    try await expectSources("restored")
    #expect(try place.names().contains { $0.contains("sluice-") } == false)
  }

  /// A directory holds what the sources are.
  func expectSources(_ directory: String) async throws {
    try await place.shell(
      """
      cmp a.raw \(directory)/drive-scsi0.raw && cmp b.raw \(directory)/drive-scsi1.raw &&
      cmp qemu-server.conf \(directory)/qemu-server.conf
      """)
  }

  /// Runs words of the shell, where `sluice` is the program.
  ///
  /// - Returns: What all of them wrote, and behind `= ` the status of the last one.
  func shell(_ words: String, within seconds: Double = 60) async throws -> String {
    try await place.shell(
      """
      sluice() { '\(Build.directory)/sluice' "$@"; }
      { \(words) ; }; echo "= $?"
      """, within: seconds)
  }

  /// As ``shell(_:)``; the last status must be 0.
  @discardableResult
  func expectShell(_ words: String, within seconds: Double = 60) async throws -> String {
    let text = try await shell(words, within: seconds)
    #expect(text.hasSuffix("= 0\n"), "\(words): \(text)")
    return text
  }

  /// An archive whose clusters come in another order, `x.vma`: 24 MiB of each disk, more than fits
  /// into memory.
  ///
  /// - Parameter order: An expression of Python for pairs of device and cluster.
  func makeDisorder(
    disks: Int = 1, order: String = "[(1, c) for c in reversed(range(384))]"
  ) async throws {
    try place.write("make.py", Array(Self.makerOfDisorder.utf8))
    try await place.shell("python3 make.py \(disks) '\(order)' > x.vma")
  }

  /// A disk is what each disk of that archive is.
  func expectDisorder(_ disk: String) async throws {
    try await place.shell(
      """
      python3 -c 'import sys, struct
      for c in range(384): sys.stdout.buffer.write(struct.pack(">Q", c) * 8192)' > expected
      cmp expected \(disk)
      """)
  }

  private static let makerOfDisorder = """
    import hashlib, struct, sys
    disks, order, size = int(sys.argv[1]), eval(sys.argv[2]), 24 << 20
    head = bytearray(12288 + 512)
    struct.pack_into(">4sI16sQ16sIII", head, 0, b"VMA\\0", 1, b"u" * 16, 0, b"", 12288, 512, 12800)
    for disk in range(1, disks + 1):
        name = 1 + 5 * (disk - 1)
        struct.pack_into("<H3s", head, 12288 + name, 3, b"d%d\\0" % disk)
        struct.pack_into(">IIQ", head, 4096 + 32 * disk, name, 0, size)
    head[32:48] = hashlib.md5(head).digest()
    sys.stdout.buffer.write(head)
    for disk, cluster in order:
        extent = bytearray(512)
        struct.pack_into(">4sHH16s16sQ", extent, 0, b"VMAE", 0, 16, b"u" * 16, b"",
                         0xFFFF << 48 | disk << 32 | cluster)
        extent[24:40] = hashlib.md5(extent).digest()
        sys.stdout.buffer.write(extent + struct.pack(">Q", cluster) * 8192)
    """
}
