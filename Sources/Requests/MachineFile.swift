/// A file that describes the machine: it travels as it is, and the host learns from it what a
/// format must know.
package struct MachineFile: Sendable {
  /// What kind of file it is; of several, the first kind here describes the machine.
  package enum Kind: String, Sendable, CaseIterable {
    case machine
    case libvirtXML = "libvirt-xml"
    case proxmox = "proxmox-conf"
    /// What we ourselves write of a running machine.
    case facts = "qemu-machine"
  }

  package let kind: Kind
  package let path: String

  package init(_ kind: Kind, path: String) {
    self.kind = kind
    self.path = path
  }
}
