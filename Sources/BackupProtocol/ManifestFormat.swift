internal import JSON

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
  /// Kinds of streams that an archive of it can hold.
  public var streams: [StreamDescription.Kind]
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
    streams = try Self.streams(members)
    isIncremental = try members.bool("incremental", default: false)
    magic = try Self.magic(members)
    options = try Self.options(members)
  }

  /// Kinds of a later version say nothing: this host never sends one.
  private static func streams(
    _ members: ControlMembers
  ) throws(WireError) -> [StreamDescription.Kind] {
    guard members.object["streams"] != nil else { return [.disk, .config] }
    let kinds = try members.strings("streams")
    guard !kinds.isEmpty else { throw .member(.hello, name: "streams") }
    return kinds.compactMap(StreamDescription.Kind.init)
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
