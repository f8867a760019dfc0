/// Which devices of a recorded machine a script may have, and with what.
///
/// The archive may be hostile. A device here is made by QEMU for the guest alone: none reaches a
/// file, device, process or network of the host but through a drive, netdev or chardev, which the
/// script makes itself.
enum DeviceRules {
  static func isKnown(type: String) -> Bool {
    types.contains(type)
      || virtio.contains { type.hasPrefix($0) && isVariant(type.dropFirst($0.count)) }
  }

  private static func isVariant(_ suffix: Substring) -> Bool {
    ["-pci", "-pci-transitional", "-pci-non-transitional", "-device", "-ccw"].contains(suffix)
  }

  private static let virtio = [
    "virtio-blk", "virtio-scsi", "virtio-net", "virtio-rng", "virtio-balloon", "virtio-serial",
    "virtio-gpu", "virtio-keyboard", "virtio-mouse", "virtio-tablet", "virtio-iommu",
    "virtio-mem",
  ]

  private static let types: Set = [
    // Disks and what they hang on.
    "scsi-hd", "scsi-cd", "scsi-disk", "ide-hd", "ide-cd", "ide-drive", "nvme", "nvme-ns",
    "nvme-subsys", "floppy", "usb-storage", "ahci", "ich9-ahci", "piix3-ide", "piix4-ide", "lsi",
    "lsi53c810", "lsi53c895a", "megasas", "megasas-gen2", "mptsas1068", "pvscsi", "am53c974",
    "isa-fdc",
    // Buses.
    "pci-bridge", "pcie-root-port", "pcie-pci-bridge", "ioh3420", "x3130-upstream",
    "xio3130-downstream", "i82801b11-bridge", "pxb", "pxb-pcie",
    // Network cards.
    "e1000", "e1000-82544gc", "e1000-82545em", "e1000e", "igb", "rtl8139", "vmxnet3", "ne2k_pci",
    "pcnet", "i82550", "i82551", "i82557b", "i82559c", "i82559er",
    // USB.
    "qemu-xhci", "nec-usb-xhci", "usb-ehci", "ich9-usb-ehci1", "ich9-usb-ehci2",
    "ich9-usb-uhci1", "ich9-usb-uhci2", "ich9-usb-uhci3", "ich9-usb-uhci4", "ich9-usb-uhci5",
    "ich9-usb-uhci6", "piix3-usb-uhci", "piix4-usb-uhci", "pci-ohci", "usb-hub", "usb-tablet",
    "usb-kbd", "usb-mouse", "usb-wacom-tablet",
    // Screens and sound.
    "VGA", "secondary-vga", "bochs-display", "cirrus-vga", "qxl", "qxl-vga", "virtio-vga",
    "vmware-svga", "ramfb", "intel-hda", "ich9-intel-hda", "hda-duplex", "hda-micro",
    "hda-output", "AC97", "ES1370",
    // Ports, and what watches.
    "virtserialport", "virtconsole", "isa-serial", "pci-serial", "pci-serial-2x", "isa-parallel",
    "i6300esb", "ib700", "pvpanic", "pvpanic-pci", "vmgenid",
    // Memory and processors.
    "pc-dimm", "intel-iommu", "amd-iommu",
  ]

  /// Properties that are numbers, words of QEMU, and what the guest reads: none names a thing of
  /// the host. References to what the script makes are checked one by one.
  static func isKnown(property: String) -> Bool {
    properties.contains(property) || property.hasPrefix("guest_") || property.hasPrefix("ctrl_")
      || property.hasPrefix("host_tso") || property.hasPrefix("host_u")
  }

  /// Properties that name something of the script: it must be there.
  static let references: Set = [
    "drive", "netdev", "chardev", "memdev", "rng", "iothread", "audiodev",
  ]

  private static let properties: Set = [
    "id", "bus", "addr", "multifunction", "bootindex", "acpi-index", "rombar", "failover",
    // Disks.
    "serial", "wwn", "port_wwn", "port_index", "scsi-id", "lun", "channel", "device_id", "vendor",
    "product", "model", "ver", "unit", "logical_block_size", "physical_block_size",
    "min_io_size", "opt_io_size", "discard_granularity", "write-cache", "share-rw", "rerror",
    "werror", "num-queues", "num_queues", "queue-size", "virtqueue_size", "seg-max-adjust",
    "seg_max_adjust", "request-merging", "config-wce", "scsi", "discard", "write-zeroes",
    "max-discard-sectors", "max-write-zeroes-sectors", "rotation_rate", "removable", "cyls",
    "heads", "secs", "bios-chs-trans", "lcyls", "lheads", "lsecs", "dpofua", "scsi_version",
    "quirk_mode_page_vendor_specific_apple", "quirk_mode_page_truncated", "nsid", "subsys",
    "eui64", "eui64-default", "nguid", "uuid", "max_ioqpairs", "msix_qsize", "mdts", "aerl",
    "cmb_size_mb", "drive-type", "nqn", "shared", "detached", "max_sectors", "cmd_per_lun",
    "hotplug", "param_change", "sas_address", "max_sge", "max_cmds", "use_jbod",
    // Virtio.
    "event_idx", "indirect_desc", "disable-legacy", "disable-modern", "packed", "ats",
    "iommu_platform", "page-per-vq", "any_layout", "notify_on_empty", "ioeventfd", "vectors",
    "modern-pio-notify", "migrate-extra", "virtio-pci-bus-master-bug-migration", "queue_reset",
    "in_order", "use-started", "use-disabled-flag",
    // Network cards.
    "mac", "mq", "csum", "gso", "mrg_rxbuf", "status", "rss", "hash", "speed", "duplex",
    "host_mtu", "host_ecn", "rx_queue_size", "tx_queue_size", "tx", "x-txtimer", "x-txburst",
    "mitigation", "autonegotiation", "extra_mac_registers", "init-vet",
    // Buses.
    "port", "chassis", "slot", "chassis_nr", "msi", "msix", "shpc", "bus_nr", "numa_node",
    "io-reserve", "bus-reserve", "mem-reserve", "pref32-reserve", "pref64-reserve", "x-speed",
    "x-width", "aer", "disable-acs", "hotplug-bridge", "p2", "p3", "firstport", "masterbus",
    "frames", "maxframes", "intrs", "slots", "usb_version", "pcap-none", "usb2", "full-path",
    // Ports.
    "nr", "name", "max_ports", "iobase", "irq", "index", "dobase", "wakeup",
    // Screens.
    "vgamem_mb", "ram_size", "vram_size", "vram64_size_mb", "ram_size_mb", "vram_size_mb",
    "max_outputs", "xres", "yres", "xmax", "ymax", "edid", "refresh_rate", "global-vmstate",
    "max_hostmem", "big-endian-framebuffer", "mmio", "qemu-extended-regs", "debug",
    // The rest.
    "max-bytes", "period", "free-page-reporting", "free-page-hint", "deflate-on-oom",
    "guest-stats-polling-interval", "page-poison", "node", "guid", "intremap", "caching-mode",
    "eim", "device-iotlb", "aw-bits", "pt", "snoop-control", "size", "block-size",
    "requested-size", "memaddr", "iosize", "events", "cad", "mixer", "use-timer",
  ]
}
