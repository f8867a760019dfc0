internal import ArgumentParser
internal import Requests

/// Files that describe the VM whose disks are archived.
struct MachineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "VM description in JSON (see protocol.md, section 4.3)", valueName: "file"))
  var machine: String?

  @Option(
    name: .customLong("libvirt-xml"),
    help: ArgumentHelp(
      "libvirt domain XML of the VM, as written by 'virsh dumpxml'", valueName: "file"))
  var libvirtXML: String?

  @Option(
    name: .customLong("proxmox-config"),
    help: ArgumentHelp(
      "Proxmox VE configuration of the VM; archived as qemu-server.conf", valueName: "file"))
  var proxmoxConfig: String?

  var files: [MachineFile] {
    [
      machine.map { MachineFile(.machine, path: $0) },
      libvirtXML.map { MachineFile(.libvirtXML, path: $0) },
      proxmoxConfig.map { MachineFile(.proxmox, path: $0) },
    ].compactMap { $0 }
  }
}
