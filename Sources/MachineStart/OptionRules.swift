/// What a script may have of each option of a recorded command line.
enum OptionRule: Equatable {
  /// Taken as it is; it has no value.
  case alone
  /// A number, a word or a list of such: nothing of the host can be named by it.
  case plain
  /// A value of these.
  case word(Set<String>)
  /// A list of which these members are taken; the first one may have no name.
  case members(implied: String, Set<String>)
  /// Left out without a word: the script has its own, or it is about the old process only.
  case ours
  /// A directory that QEMU's own files are in, if it is one of those of distributions.
  case firmwareDirectory
  /// A file of firmware, likewise.
  case firmware
  /// Names a part that the script makes anew.
  case part

  /// The rule of an option; `nil`: it is left out, and told.
  static func of(_ option: String) -> OptionRule? { rules[option] }

  private static let rules: [String: OptionRule] = [
    // The machine.
    "machine": .part, "M": .part, "accel": .members(implied: "accel", accelerator),
    "enable-kvm": .alone, "cpu": .plain, "smp": .plain, "numa": .part, "only-migratable": .alone,
    "m": .members(implied: "size", ["size", "slots", "maxmem"]), "uuid": .plain,
    "name": .members(implied: "guest", ["guest", "debug-threads"]),
    "rtc": .members(implied: "base", ["base", "clock", "driftfix"]),
    "boot": .members(
      implied: "order", ["order", "once", "menu", "strict", "splash-time", "reboot-timeout"]),
    "smbios": .part, "global": .part, "icount": .plain, "no-hpet": .alone, "no-acpi": .alone,
    "no-fd-bootchk": .alone, "no-reboot": .alone, "no-shutdown": .alone, "usb": .alone,
    "usbdevice": .word(["tablet", "mouse", "keyboard"]),
    "vga": .word(["none", "std", "cirrus", "vmware", "qxl", "virtio"]),
    "watchdog": .word(["i6300esb", "ib700"]),
    "watchdog-action": .word(["reset", "shutdown", "poweroff", "pause", "none", "inject-nmi"]),
    "action": .plain, "nodefaults": .alone, "no-user-config": .alone, "bios": .firmware,
    "L": .firmwareDirectory,
    // Its parts.
    "device": .part, "object": .part, "drive": .part, "blockdev": .part, "netdev": .part,
    "nic": .part, "net": .part, "chardev": .part, "serial": .part, "parallel": .part,
    "audiodev": .part, "": .part, "hda": .part, "hdb": .part, "hdc": .part, "hdd": .part,
    "cdrom": .part, "fda": .part, "fdb": .part, "pflash": .part, "nographic": .part,
    // The old process.
    "qmp": .ours, "qmp-pretty": .ours, "mon": .ours, "monitor": .ours, "display": .ours,
    "vnc": .ours, "spice": .ours, "sdl": .ours, "curses": .ours, "daemonize": .ours,
    "pidfile": .ours, "incoming": .ours, "S": .ours, "sandbox": .ours, "msg": .ours, "k": .ours,
    "full-screen": .ours, "alt-grab": .ours, "ctrl-grab": .ours, "no-quit": .ours,
  ]

  private static let accelerator: Set = [
    "accel", "kernel-irqchip", "kvm-shadow-mem", "dirty-ring-size", "thread", "tb-size",
    "split-wx", "one-insn-per-tb", "notify-vmexit", "notify-window",
  ]

  /// Members of `-machine`; those that name an object or a node are checked.
  static let machine: Set = [
    "type", "accel", "kernel-irqchip", "kernel_irqchip", "usb", "vmport", "smm", "hpet", "acpi",
    "dump-guest-core", "mem-merge", "nvdimm", "hmat", "smbus", "sata", "pit", "pic", "i8042",
    "graphics", "suppress-vmdesc", "max-ram-below-4g", "smbios-entry-point-type", "kvm-type",
    "virtualization", "secure", "gic-version", "its", "highmem", "its", "iommu", "ras", "mte",
    "default-bus-bypass-iommu", "pcie", "x-south-bridge", "fd-bootchk",
    "enforce-config-section", "page-per-vq", "pflash0", "pflash1", "memory-backend",
  ]

  /// Members of `-object`, by type; `id` and `qom-type` are taken of all.
  static let objects: [String: Set<String>] = [
    "memory-backend-ram": memory, "memory-backend-memfd": memory.union(["seal"]),
    // A file of the old host: the new memory is anonymous.
    "memory-backend-file": memory,
    "iothread": ["poll-max-ns", "poll-grow", "poll-shrink", "aio-max-batch"],
    "rng-builtin": [], "rng-random": [],
    "throttle-group": [
      "x-iops-total", "x-iops-read", "x-iops-write", "x-bps-total", "x-bps-read", "x-bps-write",
    ],
  ]

  private static let memory: Set = ["size", "share", "merge", "dump", "prealloc"]

  /// What a type of object becomes, if not itself.
  static let substitutes = [
    "memory-backend-file": "memory-backend-ram", "rng-random": "rng-builtin",
  ]

  /// Members of `-numa`; `memdev` is checked.
  static let numa: Set = [
    "type", "nodeid", "cpus", "mem", "memdev", "initiator", "src", "dst", "val", "node-id",
    "socket-id", "die-id", "core-id", "thread-id", "hierarchy", "data-type", "latency",
    "bandwidth", "target", "level", "associativity", "policy", "line", "size",
  ]

  /// Drivers of `-global` beside those of devices, all of the machine's own chips.
  static let globalDrivers: Set = [
    "ICH9-LPC", "PIIX4_PM", "kvm-pit", "mc146818rtc", "isa-fdc", "fw_cfg", "fw_cfg_io",
    "cfi.pflash01", "i440FX-pcihost", "q35-pcihost", "mch", "kvmclock", "hpet",
  ]

  /// Properties of these drivers.
  static let globalProperties: Set = [
    "disable_s3", "disable_s4", "s4_val", "noreboot", "lost_tick_policy", "secure",
    "acpi-pci-hotplug-with-bridge-support", "acpi-root-pci-hotplug", "enable_tco",
    "pci-hole64-size", "driftfix", "extended-tseg-mbytes", "dma_enabled", "x-file-slots",
  ]

  /// Members of a user network; what reaches the host (`hostfwd`, `smb`, `tftp`, …) is not there.
  static let userNetwork: Set = [
    "id", "net", "host", "dhcpstart", "dns", "ipv4", "ipv6", "ipv6-net", "ipv6-prefix",
    "ipv6-prefixlen", "ipv6-host", "ipv6-dns", "hostname", "domainname",
  ]

  /// Members of a `-drive`; its file and format are those of the restored disk.
  static let drive: Set = [
    "id", "if", "index", "bus", "unit", "media", "discard", "detect-zeroes", "werror", "rerror",
    "readonly", "read-only",
  ]

  /// Members of the top node of a disk.
  static let node: Set = ["node-name", "read-only", "discard", "detect-zeroes"]
}

/// Files of firmware that a script may give to a guest: what distributions install for it.
enum Firmware {
  private static let directories = [
    "/usr/share/OVMF", "/usr/share/AAVMF", "/usr/share/edk2", "/usr/share/edk2-ovmf",
    "/usr/share/qemu", "/usr/share/qemu-efi-aarch64", "/usr/share/seabios", "/usr/share/ovmf",
    "/usr/share/pve-edk2-firmware", "/usr/share/kvm", "/usr/lib/ipxe/qemu", "/usr/share/vgabios",
  ]

  static func isDirectory(_ path: String) -> Bool {
    directories.contains { path == $0 || path == $0 + "/" }
  }

  /// A file below one of them, by its name: what is there belongs to root.
  static func isFile(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else { return false }
    return directories.contains { path.utf8.starts(with: ($0 + "/").utf8) }
  }
}
