public import JSON

/// FINISHED: everything is on stable storage. Specified in protocol.md §4.4.
public struct Finished: Equatable, Sendable {
  /// The name under which a plugin announces what it wrote to a file or a pipe.
  public static let archiveName = "archive"

  /// A file or folder the plugin made in its directory, or its archive.
  public struct Artefact: Equatable, Sendable {
    /// Its name in the directory, or ``Finished/archiveName``.
    public var name: String
    /// Its bytes, holes included.
    public var size: UInt64

    /// Makes a value of its parts.
    public init(name: String, size: UInt64) {
      self.name = name
      self.size = size
    }
  }

  /// What the plugin made; nothing in read and verify mode.
  public var artefacts: [Artefact]
  /// Bytes the archive takes on the storage, as far as the plugin knows.
  public var storedBytes: UInt64
  /// In read and verify mode: every byte of every stream that was read has been held against
  /// digests that the archive keeps. The plugin's word, and no more than that.
  public var isProven: Bool

  /// Makes a value of its parts.
  public init(artefacts: [Artefact] = [], storedBytes: UInt64 = 0, isProven: Bool = false) {
    self.artefacts = artefacts
    self.storedBytes = storedBytes
    self.isProven = isProven
  }

  /// What a plugin says that wrote to a file or a pipe.
  ///
  /// - Parameters:
  ///   - archiveBytes: The archive's length.
  ///   - storedBytes: What it takes on the storage, if that is another number: it has holes.
  public init(archiveBytes: UInt64, storedBytes: UInt64? = nil) {
    self.init(
      artefacts: [Artefact(name: Self.archiveName, size: archiveBytes)],
      storedBytes: storedBytes ?? archiveBytes)
  }

  /// Reads the payload and checks every member.
  public init(parsing payload: [UInt8]) throws(WireError) {
    let members = try ControlFrame.members(.finished, payload)
    storedBytes = try members.optionalInteger("stored", in: 0...Limits.streamBytesMax) ?? 0
    isProven = try members.bool("proven", default: false)
    artefacts = []
    var names: Set<String> = []
    for element in try Self.artefacts(members) {
      let name = try element.string("name")
      guard StreamDescription.isAcceptable(name: name) else {
        throw .member(.finished, name: "name")
      }
      guard names.insert(name).inserted else { throw .twice(.finished, name: "artefacts") }
      let size = try element.integer("size", in: 0...Limits.streamBytesMax)
      artefacts.append(Artefact(name: name, size: size))
    }
    guard storedBytes <= storedBytesMax else { throw .member(.finished, name: "stored") }
  }

  private static func artefacts(_ members: ControlMembers) throws(WireError) -> [ControlMembers] {
    guard members.object["artefacts"] != nil else { return [] }
    return try members.list("artefacts", atMost: Limits.artefactsMax)
  }

  /// More than any file system takes for artefacts of these sizes, with what it takes in advance
  /// and its copies.
  private var storedBytesMax: UInt64 {
    artefacts.reduce(0) { sum, artefact in
      min(
        sum + 4 * min(artefact.size, Limits.streamBytesMax / 4) + (1 << 20), Limits.streamBytesMax)
    }
  }

  /// Checks what the job demands of it: of a file or a pipe one artefact with the name `archive`,
  /// in read and verify mode none. Specified in protocol.md §4.4.
  public func check(_ mode: Job.Mode, _ output: Job.OutputKind) throws(WireError) {
    let isRight =
      switch (mode, output) {
      case (.write, .directory): true
      case (.write, _): artefacts.map(\.name) == [Self.archiveName]
      default: artefacts.isEmpty
      }
    guard isRight else { throw .member(.finished, name: "artefacts") }
  }

  /// As a payload.
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
  /// For people.
  public var reason: String

  /// Makes a value of its parts.
  public init(reason: String) { self.reason = reason }

  /// Reads the payload and checks every member.
  public init(parsing payload: [UInt8], type: FrameType) throws(WireError) {
    reason = try ControlFrame.members(type, payload).optionalString("reason") ?? ""
  }

  /// As a payload.
  public var object: JSONObject { ["reason": .string(reason)] }
}
