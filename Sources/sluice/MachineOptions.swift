internal import ArgumentParser
internal import Coordinator

/// Files that describe the machine whose disks are archived.
struct MachineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What the machine is made of, as JSON (protocol.md, machine).", valueName: "file"))
  var machine: String?

  @Option(
    name: .customLong("libvirt-xml"),
    help: ArgumentHelp("The machine's domain, as virsh dumpxml writes it.", valueName: "file"))
  var libvirtXML: String?

  @Option(
    name: .customLong("proxmox-config"),
    help: ArgumentHelp(
      "The machine's qemu-server.conf, in the archive under that name.", valueName: "file"))
  var proxmoxConfig: String?

  var files: [MachineFile] {
    [
      machine.map { MachineFile(.machine, path: $0) },
      libvirtXML.map { MachineFile(.libvirtXML, path: $0) },
      proxmoxConfig.map { MachineFile(.proxmox, path: $0) },
    ].compactMap { $0 }
  }
}
