/// An option of a QEMU's command line, with its value if it has one.
package struct LineOption: Equatable, Sendable {
  /// Without dashes; empty for a word that is no option, which QEMU takes for a disk.
  package let name: String
  package let value: String?

  /// Options without a value (QEMU `qemu-options.def`), of versions 2 to 10.
  private static let alone: Set = [
    "S", "alt-grab", "ctrl-grab", "curses", "daemonize", "enable-fips", "enable-kvm",
    "enable-sync-profile", "full-screen", "h", "help", "mem-prealloc", "no-acpi", "no-fd-bootchk",
    "no-frame", "no-hpet", "no-kvm", "no-kvm-irqchip", "no-kvm-pit", "no-kvm-pit-reinjection",
    "no-quit", "no-reboot", "no-shutdown", "no-user-config", "nodefaults", "nodefconfig",
    "nographic", "nouserconfig", "old-param", "one-insn-per-tb", "only-migratable", "portrait",
    "preconfig", "s", "sdl", "semihosting", "singlestep", "snapshot", "usb", "version",
    "win2k-hack", "xen-attach", "xen-domid-restrict",
  ]

  /// The options of the words behind the program's name.
  ///
  /// An option that QEMU does not know takes the next word if that does not look like an option.
  package static func list(_ words: [String]) -> [LineOption] {
    var options: [LineOption] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      guard let name = name(word) else {
        options.append(LineOption(name: "", value: word))
        continue
      }
      let takesValue = !alone.contains(name) && !rest.isEmpty
      options.append(LineOption(name: name, value: takesValue ? rest.removeFirst() : nil))
    }
    return options
  }

  /// `device` of `-device` and `--device`; `nil` for what is no option.
  private static func name(_ word: String) -> String? {
    let bytes = word.utf8
    guard bytes.first == UInt8(ascii: "-"), bytes.count > 1 else { return nil }
    let dashes = bytes.dropFirst().first == UInt8(ascii: "-") ? 2 : 1
    return String(decoding: bytes.dropFirst(dashes), as: UTF8.self)
  }

  /// The words again.
  package var words: [String] { (name.isEmpty ? [] : ["-" + name]) + (value.map { [$0] } ?? []) }

  package init(name: String, value: String? = nil) {
    self.name = name
    self.value = value
  }
}
