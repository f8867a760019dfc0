package import JSON

/// What an archive tells of a machine, as far as starting it needs it.
package struct MachineRecord: Sendable {
  /// A drive of the machine when it was backed up.
  package struct Drive: Equatable, Sendable {
    /// Its stream in the archive, if it has one.
    package let stream: String
    /// The name of its `-drive`; empty if it has none.
    package let backEnd: String
    /// Its device: an id, or a path.
    package let qdev: String
    /// The topmost node of its medium.
    package let node: String
    package let isReadOnly: Bool

    package init(
      stream: String, backEnd: String, qdev: String, node: String, isReadOnly: Bool
    ) {
      self.stream = stream
      self.backEnd = backEnd
      self.qdev = qdev
      self.node = node
      self.isReadOnly = isReadOnly
    }

    /// The id of its device, if that has one.
    var deviceID: String {
      let parts = qdev.split(separator: "/")
      guard qdev.hasPrefix("/") else { return qdev }
      return parts.count > 2 && parts[1] == "peripheral" ? String(parts[2]) : ""
    }
  }

  package let facts: JSONValue
  package let line: RecordedLine?
  package let drives: [Drive]

  package init(facts: JSONValue, drives: [Drive]) {
    self.facts = facts
    self.drives = drives
    line = RecordedLine(facts: facts)
  }

  /// Whether its guest ran.
  package var ran: Bool { facts["query-status"]?["running"]?.bool ?? true }

  package var architecture: String { facts["query-target"]?["arch"]?.string ?? "" }

  /// `pc-q35-7.2` of `pc-q35-7.2-machine`
  package var machineType: String? {
    guard let type = facts["machine-type"]?.string, type.hasSuffix("-machine") else { return nil }
    return String(type.dropLast("-machine".count))
  }

  /// `qemu64` of `qemu64-x86_64-cpu`
  package var processorModel: String? {
    guard let type = facts["cpu-type"]?.string else { return nil }
    let suffix = "-\(architecture)-cpu"
    return type.hasSuffix(suffix) ? String(type.dropLast(suffix.count)) : nil
  }

  /// Architectures, and so names of programs, that a script may start.
  private static let architectures: Set = [
    "aarch64", "alpha", "arm", "hppa", "i386", "loongarch64", "m68k", "mips", "mips64",
    "mips64el", "mipsel", "ppc", "ppc64", "riscv32", "riscv64", "s390x", "sparc", "sparc64",
    "x86_64",
  ]

  /// `qemu-system-x86_64`
  package func emulator() throws(StartError) -> String {
    guard Self.architectures.contains(architecture) else {
      throw .unknownArchitecture(architecture)
    }
    return "qemu-system-\(architecture)"
  }
}

/// A disk that has been restored.
package struct RestoredDisk: Equatable, Sendable {
  package enum Format: String, Sendable { case raw, qcow2 }

  package let stream: String
  package let file: RestoredFilePlace
  package let format: Format

  package init(stream: String, file: RestoredFilePlace, format: Format) {
    self.stream = stream
    self.file = file
    self.format = format
  }
}
