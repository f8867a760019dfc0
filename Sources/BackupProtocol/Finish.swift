public import JSON

/// FINISHED: everything is on stable storage. Specified in protocol.md §4.4.
public struct Finished: Equatable, Sendable {
  /// A file the plugin made in its directory.
  public struct Artefact: Equatable, Sendable {
    public var name: String
    public var size: UInt64

    public init(name: String, size: UInt64) {
      self.name = name
      self.size = size
    }
  }

  public var artefacts: [Artefact]
  /// Bytes the archive takes.
  public var storedBytes: UInt64
  /// In read and verify mode: every byte of every stream that was read has been held against
  /// digests that the archive keeps. The plugin's word, and no more than that.
  public var isProven: Bool

  public init(artefacts: [Artefact] = [], storedBytes: UInt64 = 0, isProven: Bool = false) {
    self.artefacts = artefacts
    self.storedBytes = storedBytes
    self.isProven = isProven
  }

  public init(parsing payload: [UInt8]) throws(WireError) {
    let members = try ControlFrame.members(.finished, payload)
    storedBytes = try members.optionalInteger("stored", in: 0...Limits.streamBytesMax) ?? 0
    isProven = try members.bool("proven", default: false)
    artefacts = []
    var names: Set<String> = []
    guard members.object["artefacts"] != nil else { return }
    for element in try members.list("artefacts", atMost: 4096) {
      let name = try element.string("name")
      guard StreamDescription.isAcceptable(name: name), names.insert(name).inserted else {
        throw .member(.finished, name: "artefacts")
      }
      let size = try element.integer("size", in: 0...Limits.streamBytesMax)
      artefacts.append(Artefact(name: name, size: size))
    }
  }

  public var object: JSONObject {
    var object: JSONObject = [
      "artefacts": .array(
        artefacts.map { ["name": .string($0.name), "size": JSONValue($0.size)] }),
      "stored": JSONValue(storedBytes),
    ]
    if isProven { object["proven"] = true }
    return object
  }
}

/// ABORT and ABORTED: the job ends without an archive.
public struct Abort: Equatable, Sendable {
  public var reason: String

  public init(reason: String) { self.reason = reason }

  public init(parsing payload: [UInt8], type: FrameType) throws(WireError) {
    reason = try ControlFrame.members(type, payload).optionalString("reason") ?? ""
  }

  public var object: JSONObject { ["reason": .string(reason)] }
}
