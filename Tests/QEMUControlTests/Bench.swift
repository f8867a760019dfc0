import CLinux
import CommandLine
import Glibc
import JSON
import QEMUControl
import System
import Testing

/// A QEMU with a qcow2 and a raw disk, and what a job needs beside it.
final class Bench: Sendable {
  let emulator: Emulator
  let client: QMPClient
  var files: Scratch { emulator.files }
  var journals: String { files.path("journal") }

  static let disks = [
    "-machine", "pc",
    "-blockdev", "driver=qcow2,node-name=n0,file.driver=file,file.filename=a.qcow2",
    "-device", "virtio-blk-pci,drive=n0,id=disk0",
    "-drive", "if=none,id=drive1,file=b.raw,format=raw",
    "-device", "virtio-scsi-pci,id=scsi", "-device", "scsi-hd,drive=drive1,id=disk1",
  ]
  static let qdev = ["/machine/peripheral/disk0/virtio-backend", "disk1"]

  /// - Parameters:
  ///   - arguments: Of QEMU, in place of the two disks.
  ///   - runs: The guest runs: its firmware finds nothing to start, or `TinyGuest`.
  init(
    _ arguments: [String] = disks, monitors: Int = 1, runs: Bool = true, prepare: String = ""
  ) async throws {
    let images = "qemu-img create -q -f qcow2 a.qcow2 16M; truncate -s 8M b.raw"
    emulator = try await Emulator(
      arguments, monitors: monitors, prepare: prepare.isEmpty ? images : images + "; " + prepare)
    client = try await emulator.connect()
    if runs { _ = try await client.execute("cont") }
  }

  /// All that a backup may have changed.
  func graph(without marks: Bool = false) async throws -> String {
    let nodes = try await client.execute("query-named-block-nodes", ["flat": true]).array ?? []
    let lines = nodes.map { node -> String in
      var node = node.object ?? [:]
      // How much of a file is stored changes with its contents.
      node["image"] = nil
      return JSONValue.object(node).text
    }
    let drives = try await client.execute("query-block").array ?? []
    let tops = drives.map {
      "\($0["device"]?.text ?? ""): \($0["inserted"]?["node-name"]?.text ?? "")"
    }
    var rest: [String] = []
    for command in ["query-jobs", "query-block-exports", "query-fdsets"] {
      rest.append("\(command): \(try await client.execute(command).text)")
    }
    return (lines.sorted() + tops + rest).joined(separator: "\n")
  }

  /// A point in time of all disks, not yet prepared.
  func point(
    _ id: String, journal: Journal? = nil, imagesIn directory: String? = nil,
    on other: QMPClient? = nil, method: PointInTime.Method = .fleece,
    new: BitmapName? = nil, parent: BitmapName? = nil, observer: (@Sendable (String) -> Void)? = nil
  ) async throws -> PointInTime {
    let client = other ?? client
    let machine = try await GuestMachine.inspect(client)
    let devices = machine.devices.filter(\.isBackedUpByDefault)
    let place = try FleecingDirectory(directory ?? files.directory)
    let images = try FleecingImage.make(
      devices.map { .init(directory: place, diskBytes: $0.size, wantedBytes: 1 << 20) })
    let inventory = try await BitmapInventory.read(client)
    let disks = try zip(devices, images).map { device, image in
      let node = try #require(device.nodeName)
      let bytes = UInt64(device.size)
      return PointInTime.Disk(
        name: device.name, node: node, size: device.size, image: image,
        bitmaps: new.map {
          DiskBitmaps(
            new: $0, isPersistent: inventory[node]?.keepsBitmaps ?? false,
            parent: parent.map { DiskBitmaps.Parent(name: $0, bytes: bytes) })
        })
    }
    let mark = try #require(JobMark(id: id))
    return PointInTime(
      client, mark: mark, disks: disks, method: method, journal: journal, observer: observer)
  }

  func journal(_ id: String, qmp: String? = nil) throws -> Journal {
    let mark = try #require(JobMark(id: id))
    return try Journal.create(
      JournalContents(
        mark: mark, qmp: qmp ?? emulator.path(), process: getpid(), started: 1, guestRan: true),
      in: journals)
  }

  /// Fills a part of a disk, as if the guest wrote it.
  func write(_ pattern: Int, to disk: Int, _ range: String) async throws {
    let line = "qemu-io -d \(Self.qdev[disk]) \"write -P \(pattern) \(range)\""
    _ = try await client.execute("human-monitor-command", ["command-line": .string(line)])
  }

  /// A listening socket with a name.
  func listener(_ name: String) throws -> OwnedDescriptor {
    let path = files.path(name)
    _ = clinux_unlinkat(currentDirectory, path, 0)
    return OwnedDescriptor(adopting: try check(clinux_unix_listen(path), .bind, path))
  }

  func runState() async throws -> String? {
    try await client.execute("query-status")["status"]?.string
  }
}

/// A guest of one sector: it writes 4 KiB into every 64 KiB of its disk, round and round, and
/// counts writes and errors.
enum TinyGuest {
  /// 16-bit code: DS = SS = 0; loop: INT 13h, AH = 43h (write) with the packet at 7C40h; errors
  /// are counted at 604h, rounds at 600h; the sector goes from 256 by 128 to 100000 and back.
  private static let code: [UInt8] = [
    0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xfb, 0xb8, 0x00, 0x43, 0xb2, 0x80,
    0xbe, 0x40, 0x7c, 0xcd, 0x13, 0x73, 0x05, 0x66, 0xff, 0x06, 0x04, 0x06, 0x66, 0xff, 0x06, 0x00,
    0x06, 0x66, 0x81, 0x06, 0x48, 0x7c, 0x80, 0x00, 0x00, 0x00, 0x66, 0x81, 0x3e, 0x48, 0x7c, 0xa0,
    0x86, 0x01, 0x00, 0x72, 0xd6, 0x66, 0xc7, 0x06, 0x48, 0x7c, 0x00, 0x01, 0x00, 0x00, 0xeb, 0xcb,
    0x10, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
  ]

  /// A QEMU with this guest on a disk of 64 MiB; it stands still until `start`.
  ///
  /// The disk is full of data: overwritten holes take no space in a fleecing image.
  /// Not an IDE disk: QEMU 7.2 lets its guest see an error now and then when it goes on after
  /// werror=stop, without any backup too (2 of 20; virtio-blk and scsi-hd 0 of 20).
  static func bench(
    writeErrors policy: String, memory mebibytes: Int = 64
  ) async throws -> Bench {
    let bench = try await Bench(
      [
        "-m", "\(mebibytes)", "-machine", "pc", "-blockdev",
        "driver=file,node-name=n0,filename=boot.raw",
        "-device", "virtio-blk-pci,drive=n0,id=disk0,werror=\(policy)",
      ], runs: false, prepare: "yes | head -c 64M > boot.raw")
    let sector = code + [UInt8](repeating: 0, count: 510 - code.count) + [0x55, 0xAA]
    try bench.files.write("boot.raw", sector)
    return bench
  }

  /// Lets it go and waits until it writes.
  static func start(_ bench: Bench) async throws {
    _ = try await bench.client.execute("cont")
    try await goesOn(bench)
  }

  /// How often it has written, and how often that failed.
  static func counts(_ bench: Bench) async throws -> (writes: Int, errors: Int) {
    try await counts(bench.client)
  }

  static func counts(_ client: QMPClient) async throws -> (writes: Int, errors: Int) {
    let dump = try await client.execute(
      "human-monitor-command", ["command-line": "xp /2wx 0x600"])
    let words = (dump.string ?? "").split { " \r\n".contains($0) }.filter { $0.hasPrefix("0x") }
      .compactMap { Int($0.dropFirst(2), radix: 16) }
    try #require(words.count == 2, "\(dump.text)")
    return (words[0], words[1])
  }

  /// Waits until it writes more than it has so far.
  static func goesOn(_ bench: Bench, within seconds: Double = 20) async throws {
    let before = try await counts(bench).writes
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    while try await counts(bench).writes <= before + 5 {
      try #require(MonotonicTime.now < deadline, "the guest does not write")
      try await Task.sleep(for: .milliseconds(20))
    }
  }
}
