internal import JSON

/// What a plugin says of itself in a file beside its executable; all the host reads before it
/// starts the plugin. Specified in protocol.md §2.3.
public struct Manifest: Equatable, Sendable {
  /// How much of a system the plugin's executable needs around it.
  public enum Profile: String, Sendable, CaseIterable {
    case `static`, dynamic, python, perl, commands

    /// Whether the executable is a script.
    public var isInterpreted: Bool { self == .python || self == .perl || self == .commands }
  }

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
  /// Absolute path of the program that runs the executable, if that is a script.
  public var interpreter: String?
  /// Absolute paths of the programs that a script may start.
  public var commands: [String] = []
  /// The version of Sluice that it needs, if it needs one.
  public var hostVersionMin: ReleaseVersion?

  /// Most programs that a script may start.
  public static let commandCountMax = 64
  /// Longest manifest that is read.
  public static let byteCountMax = 64 << 10

  /// - Parameter host: Version of the host, if it matters: a manifest that needs a later one is
  ///   refused before anything else of it is looked at.
  public init(
    parsing bytes: [UInt8], host: ReleaseVersion? = nil
  ) throws(ManifestError) {
    let members = try Self.members(bytes, host)
    do { try self.init(members) } catch { throw ManifestError(error) }
    guard profile.isInterpreted == (interpreter != nil) else {
      throw .interpreter(of: profile)
    }
    guard profile == .commands || commands.isEmpty else { throw .commands(of: profile) }
  }

  /// The members of a manifest that this host is recent enough for.
  private static func members(
    _ bytes: [UInt8], _ host: ReleaseVersion?
  ) throws(ManifestError) -> ControlMembers {
    let members: ControlMembers
    let needed: ReleaseVersion?
    do {
      members = try ControlFrame.members(.hello, bytes, knows: memberNames)
      needed = try ReleaseVersion.optional(members, "min_host")
    } catch {
      throw ManifestError(error)
    }
    if let host, let needed, host < needed { throw .host(needed: needed, is: host) }
    return members
  }

  /// Members that a manifest may require its host to know.
  private static let memberNames: Set<String> = [
    "manifest", "name", "version", "vendor", "license", "executable", "interpreter", "commands",
    "protocol", "formats", "needs", "threads", "memory", "min_slots", "profile", "min_host",
  ]

  private init(_ members: ControlMembers) throws(WireError) {
    guard try members.integer("manifest", in: 1...UInt64(UInt32.max)) == 1 else {
      throw .member(.hello, name: "manifest")
    }
    hostVersionMin = try ReleaseVersion.optional(members, "min_host")
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
    interpreter = try members.optionalString("interpreter")
    guard interpreter?.hasPrefix("/") ?? true else {
      throw .member(.hello, name: "interpreter")
    }
    commands = try members.strings("commands")
    guard commands.count <= Self.commandCountMax,
      commands.allSatisfy({ $0.hasPrefix("/") && !$0.hasSuffix("/") && !$0.contains("/../") })
    else { throw .member(.hello, name: "commands") }
    // Ignored, the options of a plugin of an earlier draft would be refused one by one.
    guard members.object["options"] == nil else { throw .member(.hello, name: "options") }
  }
}
