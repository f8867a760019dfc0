package import Machine
internal import XML

extension ToldMachine {
  /// A domain of libvirt, as `virsh dumpxml` writes it.
  ///
  /// What a description cannot hold is left out: the file travels too.
  package init(libvirtXML bytes: [UInt8]) throws(MachineFileError) {
    let root: XMLElement
    do { root = try XMLElement(parsing: bytes) } catch { throw .xml(error) }
    guard root.isNamed("domain", in: "") else {
      throw .notADomain(MachineDescription.plainText(root.name.local))
    }
    self.init(MachineDescription())
    let domain = LibvirtDomain(root)
    description.name = MachineDescription.plainText(domain.text("name"))
    description.uuid = MachineDescription.plainUUID(domain.text("uuid"))
    description.architecture = domain.architecture
    description.board = domain.board
    description.system = domain.system
    description.processors = domain.processors
    description.memory = domain.memory
    description.firmware = domain.firmware
    description.controllers = domain.controllers
    let disks = domain.disks
    description.disks = disks.map(\.disk)
    aliases = disks.map(\.aliases)
    description.networkCards = domain.networkCards
    try requireValid()
  }

  /// Every part has its limits; together they may still be more than travels.
  func requireValid() throws(MachineFileError) {
    do { _ = try MachineDescription(parsing: description.object) } catch { throw .machine(error) }
  }
}

/// The parts of a `<domain>` (libvirt `docs/formatdomain.rst`).
struct LibvirtDomain {
  private let root: XMLElement

  init(_ root: XMLElement) { self.root = root }

  /// The text of an element directly below, without white space around it.
  func text(_ name: String) -> String { root.first(name)?.text.trimmedText ?? "" }

  private var type: XMLElement? { root.first("os")?.first("type") }

  var architecture: String { MachineDescription.plainText(type?.attribute("arch") ?? "") }

  /// `pc-q35-7.2` is a `q35` of some version.
  var board: String { boardName(type?.attribute("machine") ?? "") }

  /// The family, by the short id in a URI of libosinfo: `http://debian.org/debian/12`.
  var system: String {
    let info = root.first("metadata")?.elements.first { $0.name.local == "libosinfo" }
    let id = info?.elements.first { $0.name.local == "os" }?.attribute("id")?.lowercased() ?? ""
    guard !id.isEmpty else { return "" }
    if id.contains("microsoft") { return "windows" }
    if id.contains("bsd") { return "bsd" }
    let others = ["apple.com", "oracle.com/solaris", "omnios", "haiku", "android", "msdos"]
    return others.contains { id.contains($0) } ? "" : "linux"
  }

  var processors: MachineDescription.Processors? {
    guard let count = number(text("vcpu"), in: MachineLimits.processors) else { return nil }
    let cpu = root.first("cpu")
    let topology = cpu?.first("topology")
    func part(_ name: String) -> Int? {
      number(topology?.attribute(name) ?? "", in: MachineLimits.processors)
    }
    let model =
      switch cpu?.attribute("mode") {
      case "host-passthrough": "host"
      case "host-model", "maximum": cpu?.attribute("mode") ?? ""
      default: cpu?.first("model")?.text.trimmedText ?? ""
      }
    // A die holds cores, and most of what reads a description knows no dies.
    let cores = part("cores").flatMap { number("\($0 * (part("dies") ?? 1))", in: 1...8192) }
    return MachineDescription.Processors(
      count: count, sockets: part("sockets"), cores: cores, threads: part("threads"),
      model: MachineDescription.plainText(model))
  }

  /// In KiB if nothing else is said.
  var memory: UInt64? {
    guard let element = root.first("memory"), let number = UInt64(element.text.trimmedText) else {
      return nil
    }
    let unit: UInt64
    switch element.attribute("unit") ?? "KiB" {
    case "b", "bytes": unit = 1
    case "KB": unit = 1000
    case "k", "KiB": unit = 1 << 10
    case "MB": unit = 1_000_000
    case "M", "MiB": unit = 1 << 20
    case "GB": unit = 1_000_000_000
    case "G", "GiB": unit = 1 << 30
    case "TB": unit = 1_000_000_000_000
    case "T", "TiB": unit = 1 << 40
    default: return nil
    }
    let (bytes, isOver) = number.multipliedReportingOverflow(by: unit)
    return !isOver && bytes <= Int64.max && MachineLimits.memory.contains(Int64(bytes))
      ? bytes : nil
  }

  var firmware: MachineDescription.Firmware? {
    guard let os = root.first("os") else { return nil }
    let loader = os.first("loader")
    let features = os.first("firmware")?.all("feature") ?? []
    let isSecure =
      loader?.attribute("secure") == "yes"
      && !features.contains {
        $0.attribute("name") == "secure-boot" && $0.attribute("enabled") == "no"
      }
    if os.attribute("firmware") == "efi" || loader?.attribute("type") == "pflash" {
      return .init(.efi, isSecureBoot: isSecure)
    }
    // Other processors have no BIOS.
    return ["x86_64", "i686"].contains(architecture) ? .init(.bios) : nil
  }

  var networkCards: [MachineDescription.NetworkCard] {
    devices("interface").prefix(MachineLimits.networkCardsMax).map { card in
      let source = card.first("source")
      let network = ["network", "bridge", "dev"].lazy.compactMap { source?.attribute($0) }.first
      return MachineDescription.NetworkCard(
        model: MachineDescription.plainText(card.first("model")?.attribute("type") ?? ""),
        mac: MachineDescription.plainMAC(card.first("mac")?.attribute("address") ?? ""),
        network: MachineDescription.plainText(network ?? ""))
    }
  }

  func devices(_ name: String) -> [XMLElement] { root.first("devices")?.all(name) ?? [] }
}

/// A number in a range, or `nil`.
func number(_ text: String, in range: ClosedRange<Int>) -> Int? {
  Int(text).flatMap { range.contains($0) ? $0 : nil }
}

/// The board without its version: `q35` of `pc-q35-7.2`, `i440fx` of `pc` and `pc-i440fx-7.2`.
func boardName(_ type: String) -> String {
  let name = type.split(separator: ",").first ?? ""
  if name.contains("q35") { return "q35" }
  if name == "pc" || name.hasPrefix("pc-") { return "i440fx" }
  return MachineDescription.plainText(String(name.split(separator: "-").first ?? ""))
}

extension String {
  /// Without white space at its ends.
  var trimmedText: String {
    let text = drop { $0.isWhitespace }
    return String(
      text.prefix(
        upTo: text.lastIndex { !$0.isWhitespace }.map(text.index(after:))
          ?? text.startIndex))
  }
}
