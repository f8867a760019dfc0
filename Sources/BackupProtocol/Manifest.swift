internal import JSON

/// What a plugin says of itself in a file beside its executable; all the host reads before it
/// starts the plugin. Specified in protocol.md §2.3.
public struct Manifest: Equatable, Sendable {
  /// How much of a system the plugin's executable needs around it.
  public enum Profile: String, Sendable { case `static`, dynamic }

  /// Something the plugin cannot work without.
  public enum Need: String, Sendable { case map, size, seek, scratch }

  /// The name that users and hosts call it by.
  public var name: String
  /// Its version.
  public var version: String
  /// Who made it.
  public var vendor: String
  /// Its licence, as SPDX names it.
  public var license: String
  /// Path relative to the manifest.
  public var executable: String
  /// Archive formats it knows.
  public var formats: [ManifestFormat]
  /// What it cannot work without.
  public var needs: [Need]
  /// Threads the plugin may have beside its first.
  public var threads: UInt64
  /// Bytes of memory it may take, the pool apart.
  public var memoryBytes: UInt64
  /// Slots without which it cannot go on.
  public var slotCountMin: UInt32
  /// What its executable needs around it.
  public var profile: Profile

  /// Longest manifest that is read.
  public static let byteCountMax = 64 << 10

  /// - Throws: `WireError.json` or `.member` with a frame type of no meaning: see `member`.
  public init(parsing bytes: [UInt8]) throws(ManifestError) {
    do { try self.init(ControlFrame.members(.hello, bytes)) } catch {
      switch error {
      case .json(_, let reason): throw .malformed(reason)
      case .oversized: throw .malformed("longer than \(Self.byteCountMax) bytes")
      case .member(_, let name): throw .member(name)
      case .required(let name): throw .required(name)
      default: throw .malformed("\(error)")
      }
    }
  }

  private init(_ members: ControlMembers) throws(WireError) {
    guard try members.integer("manifest", in: 1...UInt64(UInt32.max)) == 1 else {
      throw .member(.hello, name: "manifest")
    }
    name = try members.string("name")
    guard StreamDescription.isAcceptable(name: name) else { throw .member(.hello, name: "name") }
    version = try members.string("version")
    vendor = try members.optionalString("vendor") ?? ""
    license = try members.optionalString("license") ?? ""
    executable = try members.string("executable")
    guard !executable.isEmpty, !executable.hasPrefix("/") else {
      throw .member(.hello, name: "executable")
    }
    guard let versions = members.object["protocol"]?.array, versions.contains(.integer(1)) else {
      throw .member(.hello, name: "protocol")
    }
    formats = []
    for element in try members.list("formats", atMost: 64) {
      formats.append(try ManifestFormat(element))
    }
    guard !formats.isEmpty else { throw .member(.hello, name: "formats") }
    needs = []
    for need in try members.strings("needs") {
      guard let known = Need(rawValue: need) else { throw .required(need) }
      needs.append(known)
    }
    threads = try members.optionalInteger("threads", in: 0...256) ?? 0
    memoryBytes = try members.optionalInteger("memory", in: (1 << 20)...(64 << 30)) ?? (64 << 20)
    slotCountMin = UInt32(try members.optionalInteger("min_slots", in: 1...256) ?? 4)
    guard let profile = Profile(rawValue: try members.optionalString("profile") ?? "static") else {
      throw .member(.hello, name: "profile")
    }
    self.profile = profile
    // Ignored, the options of a plugin of an earlier draft would be refused one by one.
    guard members.object["options"] == nil else { throw .member(.hello, name: "options") }
  }
}

/// Why a manifest is not usable.
public enum ManifestError: Error, Equatable, Sendable {
  case malformed(String)
  /// A member that is absent or of the wrong kind.
  case member(String)
  /// Something the plugin requires and this host does not know.
  case required(String)
  /// A receipt of another version of the schema, and the programs that made the archive.
  case version(Int64, tools: [String])
  /// A receipt with digests of an algorithm that is not known.
  case algorithm(String, tools: [String])
}

extension ManifestError: CustomStringConvertible {
  /// The predicate of a sentence about a manifest.
  public var description: String {
    switch self {
    case .malformed(let reason): "not a manifest: \(reason)"
    case .version(let found, let tools):
      "its version is \(found), and this program knows version \(Receipt.version) only"
        + Self.makers(tools)
    case .algorithm(let name, let tools):
      "its digests are \"\(name)\", which this program does not know" + Self.makers(tools)
    case .member("executable"): "\"executable\" is not a path relative to the manifest"
    case .member("options"): "\"options\" is malformed, or not a member of a format"
    case .member(let name): "no proper \"\(name)\""
    case .required(let name): "requires \"\(name)\", which this version does not know"
    }
  }
}

extension ManifestError {
  private static func makers(_ tools: [String]) -> String {
    tools.isEmpty ? "" : "; it was made by \(tools.joined(separator: " and "))"
  }

  /// Whether another version of the program may be able to read it.
  public var isOfAnotherVersion: Bool {
    switch self {
    case .version, .algorithm: true
    default: false
    }
  }
}

/// An archive format a plugin writes or reads.
public struct ManifestFormat: Equatable, Sendable {
  /// Bytes that tell an archive of this format.
  public struct Magic: Equatable, Sendable {
    /// Where they are in the archive.
    public var offset: UInt64
    /// The bytes.
    public var bytes: [UInt8]
  }

  /// The name that users and hosts call it by.
  public var name: String
  /// What it is, for people.
  public var help: String
  /// Endings of file names, without the dot.
  public var extensions: [String]
  /// Any of these tells it.
  public var magic: [Magic]
  /// What the plugin can do with it.
  public var modes: [Job.Mode]
  /// What an archive of it may be.
  public var outputs: [Job.OutputKind]
  /// For directories: the file inside that is the receipt, and tells the format.
  public var receipt: String?
  /// Whether an archive of it may hold increments.
  public var isIncremental: Bool
  /// What a user may choose; JOB carries it under the options' names.
  public var options: [ManifestOption]

  init(_ members: ControlMembers) throws(WireError) {
    name = try members.string("name")
    guard StreamDescription.isAcceptable(role: name) else {
      throw .member(.hello, name: "formats.name")
    }
    help = try members.optionalString("help") ?? ""
    extensions = try members.strings("extensions")
    modes = []
    for mode in try members.strings("modes") {
      guard let known = Job.Mode(rawValue: mode) else { throw .member(.hello, name: "modes") }
      modes.append(known)
    }
    outputs = []
    for kind in try members.strings("output") {
      guard let known = Job.OutputKind(rawValue: kind) else {
        throw .member(.hello, name: "output")
      }
      outputs.append(known)
    }
    guard !modes.isEmpty, !outputs.isEmpty else { throw .member(.hello, name: "modes") }
    receipt = try members.optionalString("receipt")
    if let receipt, !StreamDescription.isAcceptable(name: receipt) {
      throw .member(.hello, name: "receipt")
    }
    isIncremental = try members.bool("incremental", default: false)
    magic = try Self.magic(members)
    options = try Self.options(members)
  }

  private static func options(_ members: ControlMembers) throws(WireError) -> [ManifestOption] {
    guard members.object["options"] != nil else { return [] }
    var options: [ManifestOption] = []
    for element in try members.list("options", atMost: 256) {
      options.append(try ManifestOption(element))
    }
    return options
  }

  private static func magic(_ members: ControlMembers) throws(WireError) -> [Magic] {
    guard members.object["magic"] != nil else { return [] }
    var magic: [Magic] = []
    for element in try members.list("magic", atMost: 16) {
      let digits = Array(try element.string("hex").utf8)
      let offset = try element.optionalInteger("offset", in: 0...(1 << 20)) ?? 0
      guard let bytes = decodeHexadecimal(digits), (1...64).contains(bytes.count) else {
        throw .member(.hello, name: "magic")
      }
      magic.append(Magic(offset: offset, bytes: bytes))
    }
    return magic
  }
}
