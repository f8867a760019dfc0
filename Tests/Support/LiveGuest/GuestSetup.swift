/// The machine a test wants.
package struct GuestSetup: Sendable {
  package enum Format: String, Sendable { case raw, qcow2 }

  /// How disks are given to QEMU.
  package enum Style: Sendable {
    /// `-blockdev`; devices and names in the archive are `disk0`, `disk1`.
    case blockdev
    /// `-drive`, as Proxmox VE does; names in the archive are `drive-virtio0`, `drive-virtio1`.
    case drive
  }

  package var emulator = Emulator.usual
  package var format = Format.raw
  package var style = Style.blockdev
  /// Whether both disks are served by a thread of their own.
  package var hasIOThread = false
  /// What QEMU does when a write fails: `report`, `ignore`, `stop`, `enospc` or `auto`.
  package var writeErrors = "auto"
  /// Bytes of each disk. The workload uses the first 32 MiB.
  package var diskBytes: Int64 = 32 << 20
  /// What the guest runs (see `Tests/Support/guest/writer.c`): "mode=raw", "mode=fs xfs", "hold"…
  package var arguments = "mode=raw"
  package var hasAgent = false
  /// Starts QEMU stopped: the guest does not run until somebody continues it.
  package var isStopped = false
  package var memoryMiB = 256
  /// A stream of RAM and device state to start from: that of a machine with the same setup.
  package var incoming: String?
  /// Files below this directory of the guest's files fail as `setFault` says (fault-shim/shim.c).
  package var faultDirectory: String?
  /// Raw or qcow2 images that are there already, instead of new ones: paths of A and B.
  package var images: [String]?
  /// Further arguments of QEMU.
  package var extra: [String] = []

  package init(_ change: (inout GuestSetup) -> Void = { _ in }) { change(&self) }

  /// Names the disks have in an archive.
  package var diskNames: [String] {
    (0..<2).map { style == .blockdev ? "disk\($0)" : "drive-virtio\($0)" }
  }

  func commandLine(_ emulatorPath: String, in directory: String) -> [String] {
    let files = GuestFiles.directory
    return [
      emulatorPath, "-L", "/usr/share/qemu", "-name", "test-guest", "-machine", "q35",
      "-accel", "tcg", "-m", "\(memoryMiB)", "-display", "none", "-nodefaults", "-no-user-config",
      "-kernel", files + "/vmlinuz", "-initrd", files + "/initrd",
      // A guest that is stopped while its kernel tries its timer would find none.
      "-append",
      "console=ttyS0 quiet panic=-1 no_timer_check \(arguments)\(hasAgent ? " agent" : "")",
      "-pidfile", directory + "/pid",
      // A pipe in, a file out: the guest never waits for a reader.
      "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
      "-qmp", "unix:\(directory)/qmp,server=on,wait=off",
      "-qmp", "unix:\(directory)/control,server=on,wait=off",
    ] + agentArguments(directory) + (isStopped ? ["-S"] : [])
      + (incoming.map { ["-incoming", "exec:cat '\($0)'"] } ?? [])
      + (0..<2).flatMap { diskArguments($0, directory) } + extra
  }

  private func agentArguments(_ directory: String) -> [String] {
    guard hasAgent else { return [] }
    return [
      "-device", "virtio-serial-pci",
      "-chardev", "socket,id=agent,path=\(directory)/agent,server=on,wait=off",
      "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
    ]
  }

  private func diskArguments(_ index: Int, _ directory: String) -> [String] {
    let file = images?[index] ?? "\(directory)/\(index == 0 ? "a" : "b").\(format.rawValue)"
    let thread = hasIOThread ? ",iothread=io\(index)" : ""
    let object = hasIOThread ? ["-object", "iothread,id=io\(index)"] : []
    switch style {
    case .blockdev:
      return object + [
        "-blockdev",
        "driver=\(format.rawValue),node-name=node\(index),file.driver=file,file.filename=\(file)",
        "-device",
        "virtio-blk-pci,drive=node\(index),id=disk\(index),werror=\(writeErrors)\(thread)",
      ]
    case .drive:
      return object + [
        "-drive",
        "file=\(file),if=none,id=drive-virtio\(index),format=\(format.rawValue)"
          + ",aio=threads,werror=\(writeErrors == "auto" ? "enospc" : writeErrors)",
        "-device", "virtio-blk-pci,drive=drive-virtio\(index),id=virtio\(index)\(thread)",
      ]
    }
  }
}
