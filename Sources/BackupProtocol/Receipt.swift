public import JSON

/// What a finished archive must contain: made by the host, checked by every later `verify`.
/// Specified in protocol.md §14.3.
public struct Receipt: Equatable, Sendable {
  /// One stream as the host saw it go by.
  public struct Stream: Equatable, Sendable {
    public var name: String
    public var kind: StreamDescription.Kind
    public var role: String
    public var size: UInt64
    public var digest: Digest

    public init(
      name: String, kind: StreamDescription.Kind, role: String, size: UInt64, digest: Digest
    ) {
      self.name = name
      self.kind = kind
      self.role = role
      self.size = size
      self.digest = digest
    }
  }

  /// Version of the schema.
  public static let version: Int64 = 1
  /// Longest receipt that is read: 1024 streams and their facts.
  public static let byteCountMax = 4 << 20

  public var job: String
  public var format: String
  public var instant: String
  public var vm: Job.Machine
  /// Programs that made the archive, with versions.
  public var tools: [String]
  public var streams: [Stream]

  public init(
    job: String, format: String, instant: String, vm: Job.Machine, tools: [String],
    streams: [Stream]
  ) {
    self.job = job
    self.format = format
    self.instant = instant
    self.vm = vm
    self.tools = tools
    self.streams = streams
  }

  public init(parsing bytes: [UInt8]) throws(ManifestError) {
    let value: JSONValue
    do { value = try JSONValue(parsing: bytes, depthMax: Limits.jsonDepthMax) } catch {
      throw .malformed("not JSON")
    }
    guard value["sluice_receipt"]?.integer == Self.version, let object = value.object else {
      throw .member("sluice_receipt")
    }
    do { try self.init(ControlMembers(.hello, object)) } catch {
      if case .member(_, let name) = error { throw .member(name) }
      throw .malformed("\(error)")
    }
  }

  /// Every member is there and means something; those that are not known are passed over.

  private init(_ members: ControlMembers) throws(WireError) {
    job = try members.string("job")
    format = try members.string("format")
    guard StreamDescription.isAcceptable(role: format) else {
      throw .member(.hello, name: "format")
    }
    instant = try members.string("instant")
    guard UTCTime(instant) != nil else { throw .member(.hello, name: "instant") }
    _ = try members.members("vm")
    vm = try Job.Machine(members)
    guard members.object["tools"]?.array != nil else { throw .member(.hello, name: "tools") }
    tools = try members.strings("tools")
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
      streams.append(
        Stream(
          name: stream.name, kind: stream.kind, role: stream.role, size: size,
          digest: stream.digest ?? .none))
    }
  }

  public var object: JSONObject {
    [
      "sluice_receipt": .integer(Self.version), "job": .string(job), "format": .string(format),
      "instant": .string(instant), "vm": vm.json, "tools": JSONValue(tools),
      "streams": .array(streams.map { .object($0.object) }),
    ]
  }
}

extension Receipt.Stream {
  fileprivate var object: JSONObject {
    var object: JSONObject = [
      "name": .string(name), "kind": .string(kind.rawValue), "role": .string(role),
      "size": JSONValue(size),
    ]
    if digest.algorithm != .none { object["digest"] = digest.json }
    return object
  }
}
