public import JSON

/// What a finished archive must contain: made by the host, checked by every later `verify`.
/// Specified in protocol.md §14.3.
public struct Receipt: Equatable, Sendable {
  /// One stream as the host saw it go by.
  public struct Stream: Equatable, Sendable {
    /// Its name in the archive.
    public var name: String
    /// What it is.
    public var kind: StreamDescription.Kind
    /// What it is for.
    public var role: String
    /// Its bytes.
    public var size: UInt64
    /// Of all its bytes, or none.
    public var digest: Digest
    /// Whether it holds only what has changed since the parent.
    public var isIncremental: Bool
    /// How it was found out what has changed, if the host said.
    public var method: ChangeMethod?
    /// Why it was done so, for people.
    public var reason: String?

    /// Makes a value of its parts.
    public init(
      name: String, kind: StreamDescription.Kind, role: String, size: UInt64, digest: Digest,
      isIncremental: Bool = false, method: ChangeMethod? = nil, reason: String? = nil
    ) {
      self.isIncremental = isIncremental
      self.method = method
      self.reason = reason
      self.name = name
      self.kind = kind
      self.role = role
      self.size = size
      self.digest = digest
    }
  }

  /// The plugin that made the archive, and so can read it.
  public struct Plugin: Equatable, Sendable {
    /// The name of its manifest.
    public var name: String
    /// Its version.
    public var version: String
    /// Who made it; may be empty.
    public var vendor: String

    /// Makes a value of its parts.
    public init(name: String, version: String, vendor: String) {
      self.name = name
      self.version = version
      self.vendor = vendor
    }
  }

  /// Version of the schema.
  public static let version: Int64 = 1
  /// Longest receipt that is read: 1024 streams and their facts.
  public static let byteCountMax = 4 << 20

  /// The identifier of the job.
  public var job: String
  /// The format of the archive.
  public var format: String
  /// The point in time, which every receipt that is read has.
  public var instant: Timestamp?
  /// Who the machine is.
  public var vm: Job.Machine
  /// Programs that made the archive, with versions.
  public var tools: [String]
  /// The plugin among them, if the receipt says.
  public var plugin: Plugin?
  /// How much of the disks it holds.
  public var level: BackupLevel
  /// The backup without which it cannot be read; `nil` for a full one.
  public var parent: ParentBackup?
  /// What the archive holds.
  public var streams: [Stream]

  /// Makes a value of its parts.
  public init(
    job: String, format: String, instant: Timestamp?, vm: Job.Machine, tools: [String],
    plugin: Plugin? = nil, level: BackupLevel = .full, parent: ParentBackup? = nil,
    streams: [Stream]
  ) {
    self.level = level
    self.parent = parent
    self.plugin = plugin
    self.job = job
    self.format = format
    self.instant = instant
    self.vm = vm
    self.tools = tools
    self.streams = streams
  }

  /// Reads a receipt; every member is there and means something, others are passed over.
  public init(parsing bytes: [UInt8]) throws(ManifestError) {
    let value: JSONValue
    do { value = try JSONValue(parsing: bytes, depthMax: Limits.jsonDepthMax) } catch {
      throw .malformed("not JSON")
    }
    guard let version = value["sluice_receipt"]?.integer, let object = value.object else {
      throw .member("sluice_receipt")
    }
    let tools = (value["tools"]?.array ?? []).prefix(8).compactMap(\.string)
    guard version == Self.version else { throw .version(version, tools: tools) }
    if let name = Self.unknownAlgorithm(value) { throw .algorithm(name, tools: tools) }
    do { try self.init(ControlMembers(.hello, object)) } catch {
      if case .member(_, let name) = error { throw .member(name) }
      throw .malformed("\(error)")
    }
  }

  private static func unknownAlgorithm(_ value: JSONValue) -> String? {
    (value["streams"]?.array ?? []).lazy.compactMap { $0["digest"]?["alg"]?.string }
      .first { DigestAlgorithm(name: $0) == nil }
  }

  private init(_ members: ControlMembers) throws(WireError) {
    job = try members.string("job")
    format = try members.string("format")
    guard StreamDescription.isAcceptable(role: format) else {
      throw .member(.hello, name: "format")
    }
    instant = Timestamp(try members.string("instant"))
    guard instant != nil else { throw .member(.hello, name: "instant") }
    let machine = try members.members("vm")
    vm = Job.Machine(
      id: try machine.string("id"), name: try machine.string("name"),
      uuid: try machine.string("uuid"))
    guard members.object["tools"]?.array != nil else { throw .member(.hello, name: "tools") }
    tools = try members.strings("tools")
    plugin = try members.optionalMembers("plugin").map { plugin throws(WireError) in
      Plugin(
        name: try plugin.string("name"), version: try plugin.string("version"),
        vendor: try plugin.optionalString("vendor") ?? "")
    }
    (level, parent) = try members.increment()
    guard parent?.job != job else { throw .member(.hello, name: "parent") }
    streams = []
    var names: Set<String> = []
    for element in try members.list("streams", atMost: Int(Limits.streamsMax)) {
      // The description checks names, kinds and sizes; an id has no place in a receipt.
      var object = element.object
      object["id"] = 1
      _ = try element.string("role")
      let stream = try StreamDescription(ControlMembers(.hello, object))
      guard let size = stream.size, names.insert(stream.name).inserted else {
        throw .member(.hello, name: "streams")
      }
      streams.append(Stream(stream, size: size))
      try [stream].check(parent, of: .hello)
    }
    // A host computes them or does not: one that is missing among others was lost.
    let proven = streams.filter { $0.digest.algorithm != .none }
    guard proven.isEmpty || proven.count == streams.count else {
      throw .member(.hello, name: "digest")
    }
  }

  /// As the JSON of its file.
  public var object: JSONObject {
    var object: JSONObject = [
      "sluice_receipt": .integer(Self.version), "job": .string(job), "format": .string(format),
      "instant": .string(instant?.text ?? ""), "vm": vm.json, "tools": JSONValue(tools),
    ]
    if let plugin {
      object["plugin"] = [
        "name": .string(plugin.name), "version": .string(plugin.version),
        "vendor": .string(plugin.vendor),
      ]
    }
    if let parent {
      object["level"] = .string(level.rawValue)
      object["parent"] = parent.json
    }
    object["streams"] = .array(streams.map { .object($0.object) })
    return object
  }
}

extension Receipt.Stream {
  /// As the host describes it in JOB, with what is known of it in the end.
  ///
  /// - Parameters:
  ///   - size: Bytes.
  ///   - digest: `nil` takes that of the description.
  public init(_ stream: StreamDescription, size: UInt64, digest: Digest? = nil) {
    self.init(
      name: stream.name, kind: stream.kind, role: stream.role, size: size,
      digest: digest ?? stream.digest ?? .none, isIncremental: stream.isIncremental,
      method: stream.method, reason: stream.reason)
  }

  fileprivate var object: JSONObject {
    var object: JSONObject = [
      "name": .string(name), "kind": .string(kind.rawValue), "role": .string(role),
      "size": JSONValue(size),
    ]
    if digest.algorithm != .none { object["digest"] = digest.json }
    if isIncremental { object["incremental"] = true }
    if let method { object["method"] = .string(method.rawValue) }
    if let reason { object["reason"] = .string(reason) }
    return object
  }
}
