internal import BackupProtocol

extension Job {
  /// What an archive keeps of its making: its receipt, to which a format may add members of its
  /// own. Specified in protocol.md §14.3.
  ///
  /// - Parameters:
  ///   - streams: Those of the job, each with its bytes and the digest that `close` brought.
  ///   - more: Members of your own for each of these streams, in their order.
  ///   - host: Whose name and version it bears, beside the plugin's.
  public func receipt(
    _ streams: [(stream: StreamDescription, length: UInt64, digest: Digest)],
    more: [JSONObject] = [], host: Host
  ) -> JSONObject {
    var receipt = Receipt(
      job: id, format: format, instant: instant, vm: vm, tools: host.programs, level: level,
      parent: parent,
      streams: streams.map { Receipt.Stream($0.stream, size: $0.length, digest: $0.digest) }
    ).object
    var entries = receipt["streams"]?.array ?? []
    for (index, own) in zip(entries.indices, more) {
      var entry = entries[index].object ?? [:]
      for member in own.members { entry[member.name] = member.value }
      entries[index] = .object(entry)
    }
    receipt["streams"] = .array(entries)
    return receipt
  }
}

/// What a reader tells of its archive, read from the JSON that a writer made of
/// ``Job/receipt(_:more:host:)``.
public struct Contents: Sendable {
  /// With the ids of a member `id` where there is one, else 1, 2, 3, …
  public let streams: [StreamDescription]
  /// Of what machine the backup is.
  public let machine: Job.Machine
  /// What the machine was made of, if the JSON has a member `machine`.
  public let description: MachineDescription?
  /// The backup's point in time.
  public let instant: Timestamp?
  /// All of the JSON, for members of your own: nothing of them has been checked.
  public let json: JSONValue

  /// - Throws: E_CORRUPT for what no host would accept as the contents of an archive.
  public init(parsing text: [UInt8]) throws(PluginError) {
    let acknowledgement: JobAck
    do {
      json = try JSONValue(parsing: text, depthMax: Limits.jsonDepthMax)
      acknowledgement = try JobAck(parsing: Self.members(json).serialised(), mode: .read)
    } catch {
      throw .damaged("its index is malformed (\(error))")
    }
    guard json["streams"]?.array != nil else { throw .damaged("its index has no streams") }
    streams = acknowledgement.streams
    machine = acknowledgement.vm
    description = acknowledgement.machine
    instant = acknowledgement.instant
    guard streams.allSatisfy({ $0.size != nil }) else {
      throw .damaged("its index has a stream without a size")
    }
  }

  /// All that the JSON says of one of ``streams``, for members of your own: nothing of them has
  /// been checked.
  public func json(of stream: StreamDescription) -> JSONValue {
    // In the same order.
    let index = streams.firstIndex { $0.id == stream.id }
    return index.flatMap { json["streams"]?.array?[$0] } ?? .null
  }

  /// The same in the words of a JOB_ACK, whose parser checks them.
  private static func members(_ json: JSONValue) -> JSONValue {
    let streams = (json["streams"]?.array ?? []).enumerated().map { index, stream in
      var members = stream.object ?? [:]
      if members["id"] == nil { members["id"] = JSONValue(index + 1) }
      return JSONValue.object(members)
    }
    var job: JSONObject = ["vm": json["vm"] ?? [:], "instant": json["instant"] ?? ""]
    if let machine = json["machine"] { job["machine"] = machine }
    return ["streams": .array(streams), "job": .object(job)]
  }
}

/// A reader of archives with an index that tells all of the backup: what a host asks is answered
/// from it.
public protocol IndexedReader: ArchiveReader {
  /// Read from the index when the archive was opened.
  var contents: Contents { get }
}

extension IndexedReader {
  /// As in ``contents``.
  public var streams: [StreamDescription] { contents.streams }
  /// As in ``contents``.
  public var machine: Job.Machine { contents.machine }
  /// As in ``contents``.
  public var description: MachineDescription? { contents.description }
  /// As in ``contents``.
  public var instant: Timestamp? { contents.instant }
}
