import CommandLine
import ArchiveBytes
import BackupProtocol
import JSON
import ScriptedHost
import Testing
import VMAFormat

@Suite(.inTurns) struct `An archive for Proxmox` {
  static let names = ["drive-scsi0", "drive-virtio15", "drive-efidisk0", "drive-tpmstate0-backup"]
  let disks = names.enumerated().map {
    Content.disk(UInt32($0.offset + 2), $0.element, noise(70144, seed: UInt64($0.offset)))
  }

  /// What the archive's header holds under the file's name.
  func stored(_ file: ScratchArchive) throws -> String {
    let header = try ArchiveHeader(reading: MemorySource(try file.bytes()))
    let config = try #require(header.configs.first { $0.name == "qemu-server.conf" })
    return String(decoding: header.content(config), as: UTF8.self)
  }

  func write(_ text: String, _ disks: [Content]) throws -> ScratchArchive {
    let config = Content.config(1, "qemu-server.conf", Array(text.utf8))
    let file = try VMAPluginTests.write([config] + disks, Talk(options: ["proxmox": true]))
    // The file comes back as it was: it has a digest.
    try workshop.expect(file, holds: [config] + disks)
    return file
  }

  @Test func `has a line for each disk, and no other`() throws {
    let conf = """
      cores: 2
      scsi0: local-lvm:vm-101-disk-0,size=32G
      virtio15: nas:101/vm-101-disk-1.qcow2,discard=on
      efidisk0: /dev/mapper/efi,size=1M

      """
    let stored = try stored(try write(conf, disks))
    #expect(
      stored == conf + """
        #vzdump#sluice:\(conf.utf8.count)
        #qmdump#map:scsi0:drive-scsi0:local-lvm:raw:
        #qmdump#map:virtio15:drive-virtio15:nas:qcow2:
        #qmdump#map:efidisk0:drive-efidisk0::raw:
        #qmdump#map:tpmstate0:drive-tpmstate0-backup::raw:

        """)
  }

  @Test(arguments: [
    "", "cores: 1", "cores: 1\n", "\n", "#vzdump#sluice:3\n", "a\n#vzdump#sluice:2\n",
  ])
  func `gives the file back as it was`(conf: String) throws {
    let stored = try stored(try write(conf, [disks[0]]))
    #expect(stored.hasPrefix(conf))
    #expect(stored.hasSuffix("#qmdump#map:scsi0:drive-scsi0::raw:\n"))
  }

  @Test func `keeps lines that are there`() throws {
    let conf = "#qmdump#map:scsi0:drive-scsi0:fast:raw:\ncores: 1\n"
    #expect(try stored(try write(conf, [disks[0]])) == conf)
    #expect(
      try stored(try write(conf, [disks[0], disks[1]]))
        == conf + "#vzdump#sluice:\(conf.utf8.count)\n#qmdump#map:virtio15:drive-virtio15::raw:\n")
  }

  @Test(arguments: [
    "#qmdump#map:scsi1:drive-scsi1:local:raw:\n",
    "#qmdump#map:scsi0:drive-scsi0::raw:\n#qmdump#map:scsi0:drive-scsi0::raw:\n",
    "#qmdump#map:\n", "cores: 1\n[snapshot]\ncores: 2\n", "too long",
  ])
  func `is refused for a file that qmrestore would refuse, before a disk is read`(
    conf: String
  ) throws {
    let file = try ScratchArchive()
    let plugin = try startWriter(file)
    let text = conf == "too long" ? String(repeating: "x", count: 65500) : conf
    let config = Content.config(1, "qemu-server.conf", Array(text.utf8))
    try plugin.host.start(
      [config, disks[0]], format: "vma", output: .file, options: ["proxmox": true])
    try? plugin.host.write(config, digest: .none)
    let error = try plugin.host.awaitError()
    #expect([.badJob, .tooLarge].contains(error.code), "\(error.message)")
    #expect(plugin.wait() == .exit(1))
    #expect(try file.bytes() == [])
  }

  @Test func `is not recognised in what only looks like it`() throws {
    for conf in [
      "cores: 1\n#vzdump#sluice:4\n#qmdump#map:scsi0:drive-scsi0::raw:\n",
      "cores: 1\n#vzdump#sluice:-1\n#qmdump#map:scsi0:drive-scsi0::raw:\n",
      "cores: 1\n#vzdump#sluice:9\n#qmdump#map:scsi0:drive-scsi0::raw:\nmore\n",
      "cores: 1\n#vzdump#sluice:99\n",
    ] {
      let contents = [Content.config(1, "qemu-server.conf", Array(conf.utf8))]
      try workshop.expect(try ScratchArchive(ArchiveMaker.make(contents).bytes), holds: contents)
    }
  }
}

/// An archive in memory.
final class MemorySource: RandomSource {
  private let bytes: [UInt8]
  private(set) var position: UInt64 = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let count = try read(into: buffer, at: position)
    position += UInt64(count)
    return count
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) -> Int {
    let part = bytes.dropFirst(Int(offset)).prefix(buffer.count)
    buffer.copyBytes(from: part)
    return part.count
  }

  func skip(_ count: Int) throws(ArchiveError) -> Int {
    let done = min(count, bytes.count - Int(position))
    position += UInt64(done)
    return done
  }
}
