public import JSON

/// A feature: offered in HELLO, accepted in HELLO_ACK. protocol.md §17.
public enum Feature: String, Sendable, CaseIterable {
  /// DATA may point into the pool.
  case sharedMemory = "shm"
  /// Allocation maps (EXTENTS) come before the first OPEN.
  case map
  /// CHECKPOINT may be sent.
  case checkpoint
  /// READ of a part of a stream.
  case randomRead = "random-read"
}

/// HELLO: what the host speaks and offers.
public struct Hello: Equatable, Sendable {
  /// The version of the protocol that this code speaks.
  public static let version: UInt64 = 1
  /// What `require` may name.
  static let known = Set(
    ["versions", "features", "limits", "pool", "host"] + Feature.allCases.map(\.rawValue))

  /// Versions the host speaks.
  public var versions: [UInt64]
  /// Names as they are on the wire; unknown ones are of no concern.
  public var features: [String]
  /// Slots of the pool.
  public var slotCount: UInt32
  /// Bytes of a slot.
  public var slotBytes: UInt32
  /// Payload bytes of the largest frame the host takes.
  public var frameBytesMax: UInt32
  /// Inline bytes the producer may have unreleased.
  public var windowBytes: UInt64
  /// DATA frames the producer may have unreleased.
  public var inflightMax: UInt32
  /// The program that is the host.
  public var hostName: String
  /// Its version.
  public var hostVersion: String

  /// Makes the offer of a host that speaks this version; its window is the pool.
  public init(
    features: [String], slotCount: UInt32, slotBytes: UInt32, hostName: String, hostVersion: String
  ) {
    versions = [Self.version]
    self.features = features
    self.slotCount = slotCount
    self.slotBytes = slotBytes
    frameBytesMax = Limits.frameBytesMax
    windowBytes = UInt64(slotCount) * UInt64(slotBytes)
    inflightMax = max(Limits.inflightDefault, slotCount)
    self.hostName = hostName
    self.hostVersion = hostVersion
  }

  /// Reads the payload and checks every member.
  public init(parsing payload: [UInt8]) throws(WireError) {
    let members = try ControlFrame.members(.hello, payload, knows: Self.known)
    guard let list = members.object["versions"]?.array, list.count <= 64 else {
      throw .member(.hello, name: "versions")
    }
    versions = list.compactMap { $0.integer.flatMap { UInt64(exactly: $0) } }
    guard versions.count == list.count, !versions.isEmpty else {
      throw .member(.hello, name: "versions")
    }
    features = try members.strings("features")
    let pool = try members.members("pool")
    slotCount = UInt32(try pool.integer("slots", in: range(Limits.slotCount)))
    slotBytes = UInt32(try pool.integer("slot_size", in: range(Limits.slotBytes)))
    guard slotBytes.nonzeroBitCount == 1 else { throw .member(.hello, name: "slot_size") }
    let limits = try members.members("limits")
    frameBytesMax = UInt32(
      try limits.integer("max_frame", in: UInt64(Limits.frameBytesMax)...UInt64(UInt32.max)))
    windowBytes =
      try limits.optionalInteger("window", in: Limits.windowBytes) ?? Limits.windowBytesDefault
    inflightMax = UInt32(
      try limits.optionalInteger("inflight", in: range(Limits.inflight))
        ?? UInt64(Limits.inflightDefault))
    let host = try members.members("host")
    hostName = try host.string("name")
    hostVersion = try host.string("version")
  }

  /// As a payload.
  public var object: JSONObject {
    [
      "versions": .array(versions.map { JSONValue($0) }), "features": JSONValue(features),
      "limits": [
        "max_frame": JSONValue(frameBytesMax), "window": JSONValue(windowBytes),
        "inflight": JSONValue(inflightMax),
      ],
      "pool": ["slots": JSONValue(slotCount), "slot_size": JSONValue(slotBytes)],
      "host": ["name": .string(hostName), "version": .string(hostVersion)],
    ]
  }
}

/// HELLO_ACK: what the plugin chose.
public struct HelloAck: Equatable, Sendable {
  /// The version the plugin chose.
  public var version: UInt64
  /// Features the plugin accepted, as they are on the wire.
  public var features: [String]
  /// The name of its manifest.
  public var plugin: String
  /// The version of its manifest.
  public var pluginVersion: String

  /// Makes the answer of a plugin that speaks this version.
  public init(features: [Feature], plugin: String, pluginVersion: String) {
    version = Hello.version
    self.features = features.map(\.rawValue)
    self.plugin = plugin
    self.pluginVersion = pluginVersion
  }

  /// Reads the payload and checks every member.
  public init(parsing payload: [UInt8]) throws(WireError) {
    let members = try ControlFrame.members(.helloAck, payload)
    version = try members.integer("version", in: 0...UInt64(UInt32.max))
    features = try members.strings("features")
    plugin = try members.string("plugin")
    pluginVersion = try members.string("plugin_version")
  }

  /// Whether the plugin accepted a feature.
  public func accepts(_ feature: Feature) -> Bool { features.contains(feature.rawValue) }

  /// As a payload.
  public var object: JSONObject {
    [
      "version": JSONValue(version), "features": JSONValue(features),
      "plugin": .string(plugin), "plugin_version": .string(pluginVersion),
    ]
  }
}

private func range(_ range: ClosedRange<UInt32>) -> ClosedRange<UInt64> {
  UInt64(range.lowerBound)...UInt64(range.upperBound)
}
