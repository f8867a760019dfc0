import Testing

@testable import Requests

/// Where a disk is to be restored to, and as what.
@Suite struct RestoredDiskTests {
  private typealias Disk = RestoreRequest.Disk

  @Test(arguments: [
    ("d=x", Disk.Format.raw), ("d=x.raw", .raw), ("d=x.img", .raw), ("d=x.qcow2", .qcow2),
    ("d=x.QCOW2", .qcow2), ("d=x.qcow2/y", .raw), ("d=.qcow2", .raw), ("d=/dev/vg/x", .raw),
    ("d=x.vmdk", .raw), ("d=x.raw,format=qcow2", .qcow2), ("d=x.qcow2,format=raw", .raw),
  ])
  func `the suffix decides the format, unless one is given`(
    text: String, format: RestoreRequest.Disk.Format
  ) throws {
    #expect(try Disk(parsing: text).format == format)
  }

  @Test(arguments: [
    "vmdk", "vdi", "vhdx", "vpc", "vhd", "qed", "ova", "ovf", "vma", "tar", "zst", "gz", "xz",
    "iso", "OVA",
  ])
  func `a raw disk does not get the suffix of another format`(_ suffix: String) throws {
    let path = "x.\(suffix)"
    #expect(throws: RequestError.foreignSuffix(path: path, suffix: suffix.lowercased())) {
      try Disk(parsing: "d=\(path)").requireOwnSuffix()
    }
    try Disk(parsing: "d=\(path),format=raw").requireOwnSuffix()
  }

  @Test(arguments: ["x", "x.raw", "x.img", "x.qcow2", "x.disk", "a.ova/x"])
  func `any other suffix is a raw disk's own`(_ path: String) throws {
    try Disk(parsing: "d=\(path)").requireOwnSuffix()
  }

  @Test(arguments: ["", "d", "d=", "=x", "d=x,format=vmdk", "d=x,raw", "d=x,"])
  func `what is no disk is refused as a whole`(_ text: String) {
    #expect(throws: RequestError.malformed(text)) { try Disk(parsing: text) }
  }

  @Test func `a comma in a path is doubled`() throws {
    #expect(try Disk(parsing: "d=a,,b").path == "a,b")
  }
}
