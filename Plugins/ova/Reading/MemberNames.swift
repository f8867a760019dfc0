import TarFormat
import WriterKit

/// The names of an appliance's members, each of them once.
struct MemberNames {
  /// Members of an archive that is read: twice what a descriptor may list.
  private static let countMax = 4096

  /// In their order.
  private(set) var all: [String] = []
  private(set) var descriptor: String?
  private(set) var manifest: String?
  /// Files that were passed over.
  private(set) var hidden: Set<String> = []
  private var known: Set<String> = []
  private var count = 0
  private let host: Host

  init(_ host: Host) { self.host = host }

  func contains(_ name: String) -> Bool { known.contains(name) }

  /// Names that a manifest has a line for: all but its own and that of the signature.
  var listed: [String] { all.filter { $0 != manifest && !$0.lowercased().hasSuffix(".cert") } }

  /// Adds a member.
  ///
  /// - Returns: Its name as a file; `nil` for what is none, and is passed over.
  /// - Throws: E_CORRUPT for names that lead out of the archive, or are there twice.
  mutating func add(_ member: TarMember) throws(PluginError) -> String? {
    count += 1
    guard count <= Self.countMax else {
      throw PluginError(.tooLarge, "the archive has more than \(Self.countMax) members")
    }
    if member.kind == .directory { return nil }
    let name = try fileName(ofMember: member.name)
    guard member.kind == .file else {
      host.log(.warning, "\"\(name)\" is not a regular file: skipped")
      return nil
    }
    guard !isHidden(name) else {
      host.warnOfHidden(name)
      hidden.insert(name)
      return nil
    }
    guard !member.isSparse else {
      throw PluginError(
        .unsupported, "\"\(name)\" is a sparse member, which an OVA must not have")
    }
    guard known.insert(name).inserted else {
      throw PluginError(.corrupt, "duplicate file name \"\(name)\" in the archive")
    }
    all.append(name)
    try note(name)
    return name
  }

  private mutating func note(_ name: String) throws(PluginError) {
    if isDescriptor(name) {
      guard descriptor == nil else {
        throw PluginError(.corrupt, "the archive has two descriptors (.ovf)")
      }
      descriptor = name
    } else if name.lowercased().hasSuffix(".mf") {
      guard manifest == nil else {
        throw PluginError(.corrupt, "the archive has two manifests (.mf)")
      }
      manifest = name
    }
  }
}

/// Whether a file is the descriptor of an appliance, by its name.
func isDescriptor(_ name: String) -> Bool { name.lowercased().hasSuffix(".ovf") }
