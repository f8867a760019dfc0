import CommandLine
import Glibc
import System
import Testing

/// Archives with the state of a running machine, made without one: what is in them is known.
struct MachineStateScene {
  /// The size of the state: no multiple of anything.
  static let stateBytes = 3 << 20 | 77
  static let hasTools = Build.has("python3")

  let trip: RoundTrip
  var place: Scratch { trip.place }

  /// A disk, a configuration and a state, `d.raw`, `c.conf` and `vmstate.bin`.
  init() throws {
    trip = try RoundTrip()
    try place.makeSparse("d.raw", bytes: 5 << 20, data: [(0, 70_000), (3 << 20, 1 << 20)])
    var state = noise(Self.stateBytes, seed: 9)
    for hole in [300_000..<(1 << 20), 2_000_000..<2_100_000, (3 << 20)..<(3 << 20 | 7)] {
      for place in hole { state[place] = 0 }
    }
    try place.write("vmstate.bin", state)
    try place.write("c.conf", Array("cores: 2\n".utf8))
    try place.write("add-state.py", Array(Self.adder.utf8))
    try place.write("make-vma.py", Array(Self.maker.utf8))
  }

  /// An archive `m` of the format `raw`, with a digest of everything.
  func makeArchive() async throws {
    try await expectShell(
      """
      sluice backup --image d=d.raw --config c.conf --vm-id 101 --to raw=m &&
      python3 add-state.py m vmstate.bin && sluice verify m
      """)
  }

  /// Words of the shell that compare a restored directory with what was put in.
  static func comparison(_ directory: String) -> String {
    ["d.raw", "c.conf", "vmstate.bin"].map { "cmp \($0) \(directory)/\($0)" }
      .joined(separator: " && ")
  }

  /// Runs words of the shell, where `sluice` is the program.
  ///
  /// - Returns: What all of them wrote, and behind `= ` the status of the last one.
  func shell(_ words: String) async throws -> String {
    try await place.shell(
      """
      sluice() { '\(Build.directory)/sluice' "$@"; }
      { \(words) ; } 2>&1; echo "= $?"
      """)
  }

  /// As ``shell(_:)``; the last status must be that.
  @discardableResult
  func expectShell(
    _ words: String, status: Int = 0, says text: String = "",
    location: SourceLocation = #_sourceLocation
  ) async throws -> String {
    let found = try await shell(words)
    #expect(found.hasSuffix("= \(status)\n"), "\(words): \(found)", sourceLocation: location)
    #expect(text.isEmpty || found.contains(text), "\(words): \(found)", sourceLocation: location)
    return found
  }

  /// Puts a state into a directory of the format `raw` or `qcow2`, as `vmstate`.
  private static let adder = """
    import hashlib, json, os, shutil, sys
    def tree(data, *sizes):
        if sizes:
            starts = range(0, len(data), sizes[0])
            data = b"".join(tree(data[at:at + sizes[0]], *sizes[1:]) for at in starts)
        return hashlib.sha256(data).digest()
    archive, state = sys.argv[1:]
    shutil.copy(state, archive + "/vmstate.bin")
    with open(state, "rb") as file: data = file.read()
    size, digest = len(data), tree(data, 1 << 20, 1 << 15).hex()
    with open(archive + "/manifest.json") as file: receipt = json.load(file)
    receipt["streams"].append({"kind": "vmstate", "name": "vmstate", "role": "vmstate",
                               "size": size, "stored": size, "file": "vmstate.bin",
                               "digest": {"alg": "tree-sha256-32k", "value": digest}})
    text = json.dumps(receipt, indent=1).encode()
    with open(archive + "/manifest.json", "wb") as file: file.write(text)
    sums = archive + "/SHA256SUMS"
    if os.path.exists(sums):
        lines = [line for line in open(sums) if not line.endswith("  manifest.json\\n")]
        lines.append(hashlib.sha256(text).hexdigest() + "  manifest.json\\n")
        with open(sums, "w") as file: file.writelines(lines)
    """

  /// Writes an archive of Proxmox VE: a state, of which the header says a size of its own, and a
  /// disk `d` of 64 KiB. `make-vma.py STATE SIZE CLUSTERS`
  private static let maker = """
    import hashlib, struct, sys
    state, size, clusters = open(sys.argv[1], "rb").read(), int(sys.argv[2]), int(sys.argv[3])
    head = bytearray(12288 + 512)
    struct.pack_into(">4sI16sQ16sIII", head, 0, b"VMA\\0", 1, b"u" * 16, 1, b"", 12288, 512, 12800)
    struct.pack_into("<H8s", head, 12289, 8, b"vmstate\\0")
    struct.pack_into("<H2s", head, 12299, 2, b"d\\0")
    struct.pack_into(">IIQ", head, 4096 + 32, 1, 0, size)
    struct.pack_into(">IIQ", head, 4096 + 64, 11, 0, 65536)
    head[32:48] = hashlib.md5(head).digest()
    sys.stdout.buffer.write(head)
    for device, cluster in [(1, c) for c in range(clusters)] + [(2, 0)]:
        extent = bytearray(512)
        struct.pack_into(">4sHH16s16sQ", extent, 0, b"VMAE", 0, 16, b"u" * 16, b"",
                         0xFFFF << 48 | device << 32 | cluster)
        extent[24:40] = hashlib.md5(extent).digest()
        data = state[cluster << 16:cluster + 1 << 16] if device == 1 else b"d" * 65536
        sys.stdout.buffer.write(extent + data.ljust(65536, b"\\0"))
    """
}
