import CommandLine
import Glibc
import JSON
import LiveGuest
import System
import Testing

/// Incremental backups of running guests that write: whatever happens between two of them, every
/// restored point is one instant.
///
/// How many backups a chain has: `SLUICE_CHAIN_LENGTH`, 4 without; `Tests/Soak/chains` asks for 20.
@Suite(.withGuest) struct ChainTests {
  private static let length = Moments.number("SLUICE_CHAIN_LENGTH") ?? 4

  @Test(
    .enabled(if: Emulator.installed.isThere, Emulator.installed.missing),
    arguments: ConsistencyTests.Cell.all)
  func `every point of a chain is one instant with the installed QEMU`(
    cell: ConsistencyTests.Cell
  ) async throws { try await makeChain(cell.setup(.installed)) }

  @Test(
    .enabled(if: Emulator.backports.isThere, Emulator.backports.missing),
    arguments: ConsistencyTests.Cell.all)
  func `every point of a chain is one instant with the QEMU of the backports`(
    cell: ConsistencyTests.Cell
  ) async throws { try await makeChain(cell.setup(.backports)) }

  private func makeChain(_ setup: GuestSetup) async throws {
    let guest = try await LiveGuest(setup)
    let chain = try LiveChain(guest)
    let names = (0..<Self.length).map { "b\($0)" }
    #expect(try await chain.backUp(guest, names[0], "full") == ["full", "full"])
    for name in names.dropFirst() {
      _ = try await guest.progress(since: guest.status().record)
      #expect(try await chain.backUp(guest, name) == ["bitmap", "bitmap"], "\(name)")
      #expect(try guest.blockState().ownBitmaps.count == 2)
    }
    for name in names { try await chain.expectOneInstant(name) }
    try await chain.verify(names[names.count - 1])
    #expect(try await guest.progress(since: guest.status().record).errors == 0)
  }

  /// What happens to a machine between two backups, and how the second one finds what has changed.
  enum Incident: String, CaseIterable, CustomTestStringConvertible {
    case reset, resize, snapshot, otherJob
    var testDescription: String { rawValue }

    var method: String {
      switch self {
      // What a commit writes is noted as what the guest writes is.
      case .reset, .otherJob, .snapshot: "bitmap"
      case .resize: "compare"
      }
    }
  }

  @Test(
    .enabled(if: Emulator.installed.isThere, Emulator.installed.missing),
    arguments: Incident.allCases, [GuestSetup.Format.raw, .qcow2])
  func `what happens to a machine between two backups is in the second`(
    incident: Incident, format: GuestSetup.Format
  ) async throws {
    let guest = try await LiveGuest(GuestSetup { $0.format = format })
    let chain = try LiveChain(guest)
    try await chain.backUp(guest, "full", "full")
    _ = try await guest.progress(since: guest.status().record)
    try await happen(incident, to: guest)
    _ = try await guest.progress(since: guest.status().record)
    let methods = try await chain.backUp(guest, "next", "auto")
    #expect(methods == [incident.method, incident == .resize ? "bitmap" : incident.method])
    for name in ["full", "next"] { try await chain.expectOneInstant(name) }
    #expect(try await guest.progress(since: guest.status().record).errors == 0)
  }

  private func happen(_ incident: Incident, to guest: LiveGuest) async throws {
    let monitor = guest.monitor
    switch incident {
    case .reset:
      let boots = guest.bootCount
      try monitor.query("system_reset")
      try await guest.waitUntilReady(boots: boots + 1)
      _ = try await guest.wait(for: "record ", within: 20)
    case .resize:
      try monitor.query(
        "block_resize", ["node-name": "node0", "size": .integer(guest.setup.diskBytes + 65536)])
    case .snapshot:
      for disk in 0..<2 {
        try monitor.query(
          "blockdev-snapshot-sync",
          [
            "node-name": .string("node\(disk)"), "format": "qcow2",
            "snapshot-file": .string(guest.files.path("snapshot\(disk)")),
            "snapshot-node-name": .string("snapshot\(disk)"),
          ])
      }
      _ = try await guest.progress(since: guest.status().record)
      for disk in 0..<2 {
        try monitor.query(
          "block-commit", ["device": .string("snapshot\(disk)"), "job-id": .string("c\(disk)")])
        try await finish("c\(disk)", of: guest)
      }
    case .otherJob:
      try await guest.files.shell("qemu-img create -q -f raw mirror \(guest.setup.diskBytes)")
      try monitor.query(
        "blockdev-add",
        [
          "driver": "raw", "node-name": "mirror",
          "file": ["driver": "file", "filename": .string(guest.files.path("mirror"))],
        ])
      try monitor.query(
        "blockdev-backup",
        ["job-id": "user", "device": "node0", "target": "mirror", "sync": "full"])
      try await end("user", of: guest)
      try monitor.query("blockdev-del", ["node-name": "mirror"])
    }
  }

  /// Waits until a commit is ready, and completes it, once: between two questions it may be gone.
  private func finish(_ job: String, of guest: LiveGuest) async throws {
    for _ in 0..<500 {
      let jobs = try guest.monitor.query("query-jobs").array ?? []
      guard let found = jobs.first(where: { $0["id"]?.string == job }) else { return }
      if found["status"] == "ready" {
        try guest.monitor.query("job-complete", ["id": .string(job)])
        return try await end(job, of: guest)
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("the job \(job) does not end")
  }

  private func end(_ job: String, of guest: LiveGuest) async throws {
    for _ in 0..<500 {
      let jobs = try guest.monitor.query("query-jobs").array ?? []
      if !jobs.contains(where: { $0["id"]?.string == job }) { return }
      try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("the job \(job) does not end")
  }

  /// How a QEMU ends, and what of its bitmaps is left when the machine is started again.
  @Test(
    .enabled(if: Emulator.installed.isThere, Emulator.installed.missing),
    arguments: ["quit", "kill"], [GuestSetup.Format.raw, .qcow2])
  func `a machine that was started again goes on with its chain`(
    end: String, format: GuestSetup.Format
  ) async throws {
    let guest = try await LiveGuest(GuestSetup { $0.format = format })
    let chain = try LiveChain(guest)
    try await chain.backUp(guest, "full", "full")
    _ = try await guest.progress(since: guest.status().record)
    if end == "quit" {
      try guest.monitor.query("quit")
      try await guest.waitForEnd()
    } else {
      guest.kill()
    }
    let again = try await LiveGuest(
      GuestSetup {
        $0.format = format
        $0.images = guest.images
      })
    let survives = end == "quit" && format == .qcow2
    let methods = try await chain.backUp(again, "next", "auto")
    #expect(methods == Array(repeating: survives ? "bitmap" : "compare", count: 2))
    _ = try await again.progress(since: again.status().record)
    #expect(try await chain.backUp(again, "last") == ["bitmap", "bitmap"])
    for name in ["full", "next", "last"] { try await chain.expectOneInstant(name) }
  }

  /// A machine that never runs: what is written to its disks is written here.
  private func stillMachine(_ images: [String]? = nil) async throws -> LiveGuest {
    try await LiveGuest(
      GuestSetup {
        $0.isStopped = true
        $0.format = .qcow2
        $0.images = images
      })
  }

  private func write(_ byte: Int, _ range: String, to disk: Int, of guest: LiveGuest) throws {
    _ = try guest.monitor.query(
      "human-monitor-command",
      ["command-line": .string("qemu-io node\(disk) \"write -P \(byte) \(range)\"")])
  }

  /// The restored disks are what the images hold.
  private func expect(
    _ name: String, of chain: LiveChain, toBe images: [String]
  ) async throws {
    let finding = try await sluice(
      ["restore", chain.path(name), "--to", chain.path("r\(name)")], in: chain.directory.directory)
    #expect(finding.status == 0, "\(finding.errors)")
    for (disk, image) in zip(chain.disks, images) {
      try await chain.directory.shell(
        "qemu-img compare -q -U -f qcow2 -F raw \(image) r\(name)/\(disk).raw")
    }
  }

  @Test(.enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
  func `images that have changed places are compared`() async throws {
    let guest = try await stillMachine()
    let chain = try LiveChain(guest)
    for disk in 0..<2 { try write(170 + disk, "0 4M", to: disk, of: guest) }
    try await chain.backUpStill(guest, "b0", "full")
    try write(9, "5M 64k", to: 0, of: guest)
    try guest.monitor.query("quit")
    try await guest.waitForEnd()
    let swapped = Array(guest.images.reversed())
    let again = try await stillMachine(swapped)
    #expect(try await chain.backUpStill(again, "b1", "incremental") == ["compare", "compare"])
    try await expect("b1", of: chain, toBe: swapped)
  }

  @Test(.enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
  func `a disk that has its old size again is compared`() async throws {
    let guest = try await stillMachine()
    let chain = try LiveChain(guest)
    try write(7, "20M 64k", to: 0, of: guest)
    try await chain.backUpStill(guest, "b0", "full")
    for (name, bytes) in [("b1", guest.setup.diskBytes / 2), ("b2", guest.setup.diskBytes)] {
      try guest.monitor.query(
        "block_resize", ["node-name": "node0", "size": .integer(bytes)])
      #expect(
        try await chain.backUpStill(guest, name, "differential") == ["compare", "bitmap"])
      try await expect(name, of: chain, toBe: guest.images)
    }
  }

  @Test(.enabled(if: Emulator.usual.isThere, Emulator.usual.missing))
  func `weeks of full and incremental backups leave no bitmaps behind`() async throws {
    let guest = try await stillMachine()
    let chain = try LiveChain(guest)
    for week in 0..<10 {
      // Points in time have a resolution of a second.
      try await Task.sleep(for: .milliseconds(1100))
      try await chain.backUpStill(guest, "f\(week)", "full")
      try write(week, "1M 64k", to: 0, of: guest)
      #expect(try await chain.backUpStill(guest, "i\(week)", "auto") == ["bitmap", "bitmap"])
      #expect(try guest.blockState().ownBitmaps.count <= 4)
    }
    let list = try await sluice(["list", chain.directory.directory], in: chain.directory.directory)
    #expect(list.output.split(separator: "\n").last?.hasSuffix("f9") == true, "\(list.output)")
    try await expect("i9", of: chain, toBe: guest.images)
  }
}
