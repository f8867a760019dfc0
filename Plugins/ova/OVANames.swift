import WriterKit

/// What the members of an appliance are called: portable, and each a name of its own also where
/// case does not count, for importers run on every system.
struct OVANames {
  /// What descriptor and manifest have in common.
  let base: String
  /// By stream.
  private(set) var members: [UInt32: String] = [:]

  static let receipt = "receipt.json"
  private static let bytesMax = 100
  private static let baseBytesMax = 60
  /// Ends of names that mean something in an appliance.
  private static let reserved = [".ovf", ".mf", ".cert", ".vmdk", ".qcow2"]

  /// - Parameter diskFormat: What disks end in.
  init(machine: String, streams: [StreamDescription], diskFormat: String) {
    base = Self.base(machine)
    // In lower case.
    var used: Set<String> = [Self.receipt]
    var others: [StreamDescription] = []
    for stream in streams {
      let suffix = Self.suffix(stream, diskFormat)
      let name = stream.name + suffix
      let isFree = !suffix.isEmpty || !Self.isReserved(name)
      if isFree, Self.isPortable(name), used.insert(name.lowercased()).inserted {
        members[stream.id] = name
      } else {
        others.append(stream)
      }
    }
    // A stream may have the name that another one would be given.
    for stream in others {
      let end = Self.suffix(stream, diskFormat)
      var name = "\(stream.kind.rawValue)-\(stream.id)"
      while !used.insert((name + end).lowercased()).inserted { name += "-" }
      members[stream.id] = name + end
    }
  }

  var descriptor: String { base + ".ovf" }
  var manifest: String { base + ".mf" }

  func member(_ stream: StreamDescription) -> String { members[stream.id] ?? "" }

  /// What is no configuration has one of its own, as it has in a directory.
  private static func suffix(_ stream: StreamDescription, _ diskFormat: String) -> String {
    switch stream.kind {
    case .disk: ".\(diskFormat)"
    case .vmstate: ".bin"
    case .config: ""
    }
  }

  private static func base(_ machine: String) -> String {
    let letters = machine.unicodeScalars.map { isPortable($0) ? Character($0) : "-" }
    let name = String(letters.drop { $0 == "." || $0 == "-" }.prefix(baseBytesMax))
    return name.isEmpty ? "machine" : name
  }

  private static func isPortable(_ name: String) -> Bool {
    (1...bytesMax).contains(name.utf8.count) && name.unicodeScalars.allSatisfy(isPortable)
      && name.first != "." && name.first != "-"
  }

  private static func isPortable(_ letter: Unicode.Scalar) -> Bool {
    letter.isASCII && (letter.properties.isAlphabetic || ("0"..."9").contains(letter))
      || letter == "." || letter == "_" || letter == "-"
  }

  private static func isReserved(_ name: String) -> Bool {
    let name = name.lowercased()
    return reserved.contains { name.hasSuffix($0) }
  }
}
