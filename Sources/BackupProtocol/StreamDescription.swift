public import JSON

/// One stream of a job: a disk, a configuration file, the machine's memory.
/// Specified in protocol.md §4.3.
public struct StreamDescription: Equatable, Sendable {
  /// What a stream holds.
  public enum Kind: String, Sendable { case disk, config, vmstate }

  /// 1…1024, unique in the job.
  public var id: UInt32
  /// What it holds.
  public var kind: Kind
  /// Unique in the job; see ``isAcceptable(name:)``.
  public var name: String
  /// What the stream is to the machine: "disk", "libvirt-xml", "nvram", …
  public var role: String
  /// Bytes, or `nil` while nobody knows.
  public var size: UInt64?
  /// Bytes of the disk's logical block.
  public var blockBytes: UInt64
  /// Bytes that hold data, if the host knows.
  public var allocated: UInt64?
  /// Whether it holds only what has changed since the parent backup.
  public var isIncremental: Bool
  /// How it was found out what of it has changed, if the host says.
  public var method: ChangeMethod?
  /// Why it was done so, for people.
  public var reason: String?
  /// In a JOB_ACK: the digest the archive recorded.
  public var digest: Digest?

  /// Makes a value of its parts.
  public init(
    id: UInt32, kind: Kind, name: String, role: String, size: UInt64?, blockBytes: UInt64 = 512,
    allocated: UInt64? = nil, isIncremental: Bool = false, digest: Digest? = nil
  ) {
    self.id = id
    self.kind = kind
    self.name = name
    self.role = role
    self.size = size
    self.blockBytes = blockBytes
    self.allocated = allocated
    self.isIncremental = isIncremental
    self.digest = digest
  }

  /// Whether a name may travel: it reaches file names and terminals.
  ///
  /// 1…255 bytes of UTF-8, no control character, no `/`, no leading dot.
  public static func isAcceptable(name: String) -> Bool {
    // By bytes: to `hasPrefix`, a dot with an accent on it is no dot.
    guard (1...Limits.nameBytesMax).contains(name.utf8.count), name.utf8.first != 0x2E else {
      return false
    }
    return name.unicodeScalars.allSatisfy { scalar in
      scalar != "/" && !(scalar.value < 0x20) && !(0x7F...0x9F).contains(scalar.value)
    }
  }

  /// Whether a text may be a role or the name of a format: `[a-z0-9-]{1,32}`.
  public static func isAcceptable(role: String) -> Bool {
    (1...32).contains(role.utf8.count)
      && role.utf8.allSatisfy { byte in
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D
      }
  }

  init(_ members: ControlMembers) throws(WireError) {
    id = UInt32(try members.integer("id", in: 1...UInt64(Limits.streamsMax)))
    guard let kind = Kind(rawValue: try members.string("kind")) else {
      throw .member(members.type, name: "kind")
    }
    self.kind = kind
    name = try members.string("name")
    guard Self.isAcceptable(name: name) else { throw .member(members.type, name: "name") }
    role = try members.optionalString("role") ?? kind.rawValue
    guard Self.isAcceptable(role: role) else { throw .member(members.type, name: "role") }
    size = try members.optionalInteger("size", in: 0...Limits.streamBytesMax)
    blockBytes = try members.optionalInteger("block_size", in: 1...(1 << 20)) ?? 512
    allocated = try members.optionalInteger("allocated", in: 0...Limits.streamBytesMax)
    isIncremental = try members.bool("incremental", default: false)
    method = try Self.method(members)
    reason = try members.optionalString("reason")
    digest = try Self.digest(members)
    // One name never means two things.
    if let digest, digest.algorithm != .none {
      guard (digest.algorithm == .incrementTreeSHA256) == isIncremental else {
        throw .member(members.type, name: "digest.alg")
      }
    }
  }

  private static func method(_ members: ControlMembers) throws(WireError) -> ChangeMethod? {
    try members.optionalString("method").map { word throws(WireError) in
      guard let method = ChangeMethod(rawValue: word) else {
        throw .member(members.type, name: "method")
      }
      return method
    }
  }

  static func digest(_ members: ControlMembers) throws(WireError) -> Digest? {
    guard members.object["digest"] != nil, members.object["digest"] != .null else { return nil }
    let digest = try members.members("digest")
    guard let algorithm = DigestAlgorithm(name: try digest.string("alg")),
      let value = Digest(algorithm: algorithm, hexadecimal: try digest.string("value"))
    else { throw .member(members.type, name: "digest") }
    return value
  }

  var object: JSONObject {
    var object: JSONObject = [
      "id": JSONValue(id), "kind": .string(kind.rawValue), "name": .string(name),
      "role": .string(role), "size": size.map { JSONValue($0) } ?? .null,
      "block_size": JSONValue(blockBytes),
    ]
    if let allocated { object["allocated"] = JSONValue(allocated) }
    if isIncremental { object["incremental"] = true }
    if let method { object["method"] = .string(method.rawValue) }
    if let reason { object["reason"] = .string(reason) }
    if let digest { object["digest"] = digest.json }
    return object
  }

  /// Streams of a frame; ids and names are unique, or it throws.
  static func list(_ members: ControlMembers) throws(WireError) -> [StreamDescription] {
    var streams: [StreamDescription] = []
    var ids: Set<UInt32> = []
    var names: Set<String> = []
    for element in try members.list("streams", atMost: Int(Limits.streamsMax)) {
      let stream = try StreamDescription(element)
      guard ids.insert(stream.id).inserted, names.insert(stream.name).inserted else {
        throw .twice(members.type, name: "streams")
      }
      streams.append(stream)
    }
    return streams
  }
}

extension Digest {
  /// As receipts and JOB_ACK write it.
  public var json: JSONValue {
    ["alg": .string(algorithm.name), "value": .string(hexadecimal)]
  }
}
