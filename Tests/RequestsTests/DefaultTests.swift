import Testing

@testable import Requests

/// What holds where the user says nothing.
@Suite struct DefaultTests {
  @Test func `a backup shares memory and computes digests`() {
    let request = BackupRequest()
    #expect(request.sharesMemory && request.computesDigests && request.transport == .auto)
    #expect(request.stallLimit == 600 && request.rateLimit == nil && request.savedReceipt == nil)
    #expect(!request.isStrict && !request.sharesTarget && request.vmID == "")
  }

  @Test func `a guest is frozen if it can be, for a second`() {
    let request = GuestRequest(socket: "qmp")
    #expect(request.freeze == .try && request.stallLimit == 1 && request.fleecingReserve == 0)
    #expect(request.disks.isEmpty && request.excluded.isEmpty && request.agentSocket == nil)
  }

  @Test func `a restore is sparse and overwrites nothing`() {
    let request = RestoreRequest(ArchiveRequest("a"))
    #expect(request.allocation == .sparse && !request.overwrites && request.directory == nil)
    #expect(!request.archive.requiresReceipt && request.archive.format == nil)
  }

  @Test(arguments: [
    ("a.raw", ImageFormat.raw), ("a.IMG", .raw), ("a.qcow2", .qcow2), ("a.vmdk", .vmdk),
    ("a.vdi", .vdi), ("a.vhdx", .vhdx), ("a.vhd", .vpc), ("a.vpc", .vpc), ("a.qed", .qed),
    ("b.raw/a.qcow2", .qcow2), ("/x/y.z.vdi", .vdi),
  ])
  func `a suffix tells an image's format`(path: String, format: ImageFormat) {
    #expect(ImageFormat(suffixOf: path) == format)
  }

  @Test(arguments: ["", "a", "a.", ".raw", "x/.qcow2", "a.raw/b", "a.parallels", "a.iso", "a.raw "])
  func `any other suffix tells nothing`(path: String) {
    #expect(ImageFormat(suffixOf: path) == nil)
  }
}
