internal import JSON

/// What a QEMU can be, as far as a recorded machine needs it.
package struct EmulatorAbilities: Sendable {
  package var version = ""
  /// Types of machines and their other names.
  package var machines: Set<String> = []
  package var devices: Set<String> = []
  package var processors: Set<String> = []
  package var hasKVM = false
  /// Bytes of memory that this host could give; `nil` if unknown.
  package var availableBytes: Int64?

  package init() {}
}

/// What of a recorded machine a QEMU does not have.
package struct MachineComparison: Equatable, Sendable {
  /// One line for people each; empty if everything is there.
  package private(set) var differences: [String] = []

  package init(_ record: MachineRecord, with emulator: EmulatorAbilities) {
    if let type = record.machineType, !emulator.machines.contains(type) {
      differences.append("the type of machine, \(type), is unknown to QEMU \(emulator.version)")
    }
    if let type = record.facts["cpu-type"]?.string, !emulator.processors.contains(type) {
      differences.append("the processor, \(type), is unknown to QEMU \(emulator.version)")
    }
    if record.facts["query-kvm"]?["enabled"]?.bool == true && !emulator.hasKVM {
      differences.append("the machine ran with KVM, which cannot be used here")
    }
    let bytes = record.facts["query-memory-size-summary"]?["base-memory"]?.integer
    if let bytes, let available = emulator.availableBytes, bytes > available {
      differences.append(
        "the machine has \(bytes >> 20) MiB of memory, of which \(available >> 20) MiB are "
          + "available here")
    }
    let types = Set((record.facts["devices"]?.array ?? []).compactMap { $0["type"]?.string })
    for type in types.subtracting(emulator.devices).sorted() {
      differences.append("the device \(type) is unknown to QEMU \(emulator.version)")
    }
  }
}
