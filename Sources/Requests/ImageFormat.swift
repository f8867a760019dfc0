/// A kind of disk image that can be read; raw values are QEMU's driver names.
package enum ImageFormat: String, Sendable, CaseIterable {
  case raw, qcow2, vmdk, vdi, vhdx, vpc, qed, parallels

  /// The format a file name promises, or `nil` if its suffix is not one of ours.
  package init?(suffixOf path: String) {
    let name = path.split(separator: "/").last ?? ""
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return nil }
    switch name[name.index(after: dot)...].lowercased() {
    case "raw", "img": self = .raw
    case "qcow2": self = .qcow2
    case "vmdk": self = .vmdk
    case "vdi": self = .vdi
    case "vhdx": self = .vhdx
    case "vpc", "vhd": self = .vpc
    case "qed": self = .qed
    default: return nil
    }
  }
}
