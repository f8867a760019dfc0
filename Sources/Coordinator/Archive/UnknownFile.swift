internal import BackupProtocol
internal import JobSupport
internal import PluginHost
internal import Requests
internal import System

/// A file that no plugin knows: what it is, as far as its name and its first bytes tell.
struct UnknownFile {
  /// Bytes that ``init(name:head:_:)`` wants to see.
  static let headBytes = 512

  private let name: String
  private let head: [UInt8]
  /// Names of the formats that are installed.
  private let formats: [String]
  /// Plugins that are installed and cannot be used: it may be one of theirs.
  private let faults: [PluginFault]
  private var holdsDescriptor = false

  init(name: String, head: [UInt8], _ surroundings: Surroundings) {
    (self.name, self.head) = (name, head)
    formats = surroundings.catalog.plugins.flatMap(\.manifest.formats).map(\.name).sorted()
    faults = surroundings.catalog.faults.filter {
      ![.shadowed, .contested].contains($0.kind)
    }
  }

  /// A directory.
  init(name: String, directory: Int32, _ surroundings: Surroundings) {
    self.init(name: name, head: [], surroundings)
    let files = (try? listNames(in: directory, atMost: 4096)) ?? []
    holdsDescriptor = files.contains { Self.isDescriptor($0.text) }
  }

  /// Why it cannot be read, and what can be done.
  var error: JobError {
    let opening = "open \(name)"
    if let compression = ForeignCompression(start: head) {
      return JobError(
        .unavailable, cannot: opening,
        "compressed with \(compression.rawValue), which is not supported",
        hint: "decompress it: \(compression.command) < ARCHIVE | sluice … -")
    }
    if Self.isDescriptor(name) || holdsDescriptor {
      return JobError(
        .badData, cannot: opening, "an appliance that is not packed (OVF)",
        hint: "pack its files, the descriptor first: tar -cf NAME.ova NAME.ovf DISK…")
    }
    if let image = imageFormat {
      return JobError(
        .badData, cannot: opening, "not an archive, but a \(image) image", hint: .backUpImage)
    }
    return JobError(
      .badData, cannot: opening,
      "unrecognised archive format" + faults.map { "; \($0.text)" }.joined(),
      hint: faults.first?.remedy ?? .chooseFormat(formats))
  }

  private static func isDescriptor(_ name: String) -> Bool {
    name.lowercased().hasSuffix(".ovf")
  }

  private var imageFormat: String? {
    let known: [(String, [UInt8])] = [
      ("qcow2", [0x51, 0x46, 0x49, 0xFB]), ("VMDK", Array("KDMV".utf8)),
      ("VMDK", Array("# Disk DescriptorFile".utf8)), ("VHDX", Array("vhdxfile".utf8)),
    ]
    return known.first { head.starts(with: $0.1) }?.0
  }
}
