public import JSON

/// How much of a machine's disks a backup holds.
public enum BackupLevel: String, Sendable, CaseIterable {
  /// Everything.
  case full
  /// What has changed since the newest backup.
  case incremental
  /// What has changed since the newest full backup.
  case differential
}

/// How a host found out what of a disk it has to store. Specified in protocol.md §6.1.
public enum ChangeMethod: String, Sendable {
  /// All of it is stored.
  case full
  /// QEMU kept a dirty bitmap since the parent's point in time.
  case bitmap
  /// The disk was compared with what the parent holds.
  case compare
}

/// The backup that an increment refers to. Specified in protocol.md §4.3.
public struct ParentBackup: Equatable, Sendable {
  /// What a stream must be in the parent, or the increment does not belong to it.
  public struct Stream: Equatable, Sendable {
    /// Bytes.
    public var size: UInt64
    /// As in the parent's receipt.
    public var digest: Digest

    /// Makes a value of its parts.
    public init(size: UInt64, digest: Digest) {
      self.size = size
      self.digest = digest
    }

    /// Whether a range of an increment can be as in the parent: in whole clusters of it, or up to
    /// the end of both. Specified in protocol.md §6.4.
    ///
    /// - Parameter childSize: Bytes of the increment.
    public func covers(_ range: Range<UInt64>, of childSize: UInt64) -> Bool {
      range.upperBound <= size / Cluster.bytes * Cluster.bytes
        || range.upperBound == size && size == childSize
    }
  }

  /// The parent's job.
  public var job: String
  /// Its point in time.
  public var instant: Timestamp
  /// Where it is, relative to the place that holds this archive's files; for formats that link to
  /// it, never needed to read.
  public var location: String?
  /// Streams of the parent, by name.
  public var streams: [String: Stream]

  /// Makes a value of its parts.
  public init(
    job: String, instant: Timestamp, location: String? = nil, streams: [String: Stream]
  ) {
    self.job = job
    self.instant = instant
    self.location = location
    self.streams = streams
  }

  init(_ members: ControlMembers) throws(WireError) {
    job = try members.string("job")
    guard let instant = Timestamp(try members.string("instant")) else {
      throw .member(members.type, name: "parent.instant")
    }
    self.instant = instant
    location = try members.optionalString("location")
    guard location.map(Self.isAcceptable(location:)) ?? true else {
      throw .member(members.type, name: "parent.location")
    }
    let listed = try members.members("streams")
    guard listed.object.members.count <= Int(Limits.streamsMax) else {
      throw .member(members.type, name: "parent.streams")
    }
    streams = [:]
    for name in listed.object.members.map(\.name) {
      guard StreamDescription.isAcceptable(name: name) else {
        throw .member(members.type, name: "parent.streams")
      }
      streams[name] = try Stream(try listed.members(name))
    }
  }

  /// 1…4096 bytes, a relative path without control characters.
  public static func isAcceptable(location: String) -> Bool {
    (1...4096).contains(location.utf8.count) && location.utf8.first != 0x2F
      && location.unicodeScalars.allSatisfy { scalar in
        scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)
      }
  }

  /// As the member `parent`.
  public var json: JSONValue {
    var object: JSONObject = ["job": .string(job), "instant": .string(instant.text)]
    if let location { object["location"] = .string(location) }
    var listed = JSONObject()
    for (name, stream) in streams.sorted(by: { $0.key < $1.key }) {
      listed[name] = ["size": JSONValue(stream.size), "digest": stream.digest.json]
    }
    object["streams"] = .object(listed)
    return .object(object)
  }
}

extension ParentBackup.Stream {
  init(_ members: ControlMembers) throws(WireError) {
    size = try members.integer("size", in: 0...Limits.streamBytesMax)
    guard let digest = try StreamDescription.digest(members), digest.algorithm != .none else {
      throw .member(members.type, name: "parent.streams")
    }
    self.digest = digest
  }
}

extension ControlMembers {
  /// The members `level` and `parent`, which belong together: only what is not full has a parent.
  func increment() throws(WireError) -> (BackupLevel, ParentBackup?) {
    guard let level = BackupLevel(rawValue: try optionalString("level") ?? "full") else {
      throw .member(type, name: "level")
    }
    let parent = try optionalMembers("parent").map { members throws(WireError) in
      try ParentBackup(members)
    }
    guard (level == .full) == (parent == nil) else { throw .member(type, name: "parent") }
    return (level, parent)
  }
}

extension [StreamDescription] {
  /// Refuses streams that refer to what their parent does not have.
  func check(_ parent: ParentBackup?, of type: FrameType) throws(WireError) {
    for stream in self where stream.isIncremental {
      guard stream.kind == .disk, parent?.streams[stream.name] != nil else {
        throw .member(type, name: "parent")
      }
    }
  }
}
