extension ProxmoxFile {
  /// Keys of a machine's configuration (qm.conf(5)), but those with a number.
  private static let keys: Set<String> = [
    "acpi", "affinity", "agent", "allow-ksm", "amd-sev", "arch", "args", "audio0", "autostart",
    "balloon", "bios", "boot", "bootdisk", "cdrom", "cicustom", "cipassword", "citype", "ciupgrade",
    "ciuser", "cores", "cpu", "cpulimit", "cpuunits", "description", "efidisk0", "freeze",
    "hookscript", "hotplug", "hugepages", "intel-tdx", "ivshmem", "keephugepages", "keyboard",
    "kvm", "localtime", "lock", "machine", "memory", "meta", "migrate_downtime", "migrate_speed",
    "name", "nameserver", "numa", "onboot", "ostype", "protection", "reboot", "rng0", "scsihw",
    "searchdomain", "shares", "smbios1", "smp", "sockets", "spice_enhancements", "sshkeys",
    "startdate", "startup", "tablet", "tags", "tdf", "template", "tpmstate0", "vcpus", "vga",
    "vmgenid", "vmstatestorage", "watchdog",
  ]

  /// Keys with a number, and how many there are of each.
  private static let numbered: [String: Int] = [
    "hostpci": 16, "ide": 4, "ipconfig": 32, "net": 32, "numa": 8, "parallel": 3, "sata": 6,
    "scsi": 31, "serial": 4, "unused": 256, "usb": 14, "virtio": 16, "virtiofs": 10,
  ]

  static func isKnown(_ key: String) -> Bool {
    if keys.contains(key) { return true }
    let kind = key.prefix { !($0.isASCII && $0.isNumber) }
    guard let count = numbered[String(kind)], let index = Int(key.dropFirst(kind.count)) else {
      return false
    }
    // No sign, no leading zero.
    return index < count && key == "\(kind)\(index)"
  }
}
