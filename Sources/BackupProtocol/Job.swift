public import JSON
public import Machine

/// JOB: what is to be written or read. Specified in protocol.md §4.3.
public struct Job: Equatable, Sendable {
  /// What is done with the archive.
  public enum Mode: String, Sendable { case write, read, verify }
  /// What the archive is, or will be.
  public enum OutputKind: String, Sendable { case file, pipe, directory }

  /// Who the machine is; every member may be empty.
  public struct Machine: Equatable, Sendable {
    /// The VM ID.
    public var id: String
    /// Its name, for people.
    public var name: String
    /// Its UUID.
    public var uuid: String

    /// Makes a value of its parts.
    public init(id: String = "", name: String = "", uuid: String = "") {
      self.id = id
      self.name = name
      self.uuid = uuid
    }
  }

  /// The identifier of the job.
  public var id: String
  /// What is done with the archive.
  public var mode: Mode
  /// The format of the archive: one of the plugin's own.
  public var format: String
  /// Who the machine is.
  public var vm: Machine
  /// In write mode what the machine is made of, if the host knows.
  public var machine: MachineDescription?
  /// The point in time; `nil` in read mode.
  public var instant: Timestamp?
  /// What the archive is, or will be.
  public var output: OutputKind
  /// The plugin's options, checked by the host against the manifest.
  public var options: JSONObject
  /// In read and verify mode: the descriptor of an empty, unnamed file that the plugin may write
  /// to and read from, if its manifest asks for one.
  public var scratch: Int32?
  /// In read mode: what a damaged archive still holds is wanted, and DAMAGED for the rest.
  public var salvages = false
  /// In write mode how much of the disks will come.
  public var level = BackupLevel.full
  /// The backup that *unchanged* refers to; `nil` for a full one.
  public var parent: ParentBackup?
  /// In write mode what will come; empty in read mode.
  public var streams: [StreamDescription]

  /// Descriptors that a host may grant beside the fixed ones.
  public static let grants: ClosedRange<UInt64> = 8...15

  /// What `require` may name.
  static let known = Set(
    [
      "mode", "job", "format", "vm", "machine", "instant", "output", "options", "scratch",
      "salvage", "level", "parent", "streams",
    ]
      + Feature.allCases.map(\.rawValue))

  /// Makes a value of its parts.
  public init(
    id: String, mode: Mode, format: String, vm: Machine = Machine(), instant: Timestamp? = nil,
    output: OutputKind, options: JSONObject = [:], streams: [StreamDescription] = [],
    scratch: Int32? = nil, machine: MachineDescription? = nil
  ) {
    self.id = id
    self.mode = mode
    self.format = format
    self.vm = vm
    self.instant = instant
    self.output = output
    self.options = options
    self.streams = streams
    self.scratch = scratch
    self.machine = machine
  }

  /// Reads the payload and checks every member.
  public init(parsing payload: [UInt8]) throws(WireError) {
    let members = try ControlFrame.members(.job, payload, knows: Self.known)
    id = try members.string("job")
    guard let mode = Mode(rawValue: try members.string("mode")) else {
      throw .member(.job, name: "mode")
    }
    self.mode = mode
    format = try members.string("format")
    vm = try Machine(members)
    machine = try members.machine()
    instant = try members.optionalString("instant").flatMap { Timestamp($0) }
    guard let kind = OutputKind(rawValue: try members.members("output").string("kind")) else {
      throw .member(.job, name: "output")
    }
    output = kind
    options = try members.optionalMembers("options")?.object ?? [:]
    scratch = try members.optionalMembers("scratch").map { grant throws(WireError) in
      Int32(try grant.integer("fd", in: Self.grants))
    }
    salvages = try members.bool("salvage", default: false)
    guard !salvages || mode == .read else { throw .member(.job, name: "salvage") }
    streams = mode == .write ? try StreamDescription.list(members) : []
    if mode == .write { (level, parent) = try members.increment() }
    try streams.check(parent, of: .job)
    for stream in streams where stream.size == nil && stream.kind != .vmstate {
      throw .member(.job, name: "size")
    }
  }

  /// As a payload.
  public var object: JSONObject {
    var object: JSONObject = [
      "mode": .string(mode.rawValue), "job": .string(id), "format": .string(format),
      "output": ["fd": 6, "kind": .string(output.rawValue)], "options": .object(options),
    ]
    if let scratch { object["scratch"] = ["fd": JSONValue(scratch)] }
    if salvages { object["salvage"] = true }
    guard mode == .write else { return object }
    object["vm"] = vm.json
    if let machine { object["machine"] = .object(machine.object) }
    object["instant"] = .string(instant?.text ?? "")
    if let parent {
      object["level"] = .string(level.rawValue)
      object["parent"] = parent.json
    }
    object["streams"] = .array(streams.map { .object($0.object) })
    return object
  }
}

extension ControlMembers {
  /// The member `machine`; what is wrong in it is named with its place.
  fileprivate func machine() throws(WireError) -> MachineDescription? {
    guard let machine = try optionalMembers("machine") else { return nil }
    do { return try MachineDescription(parsing: machine.object) } catch {
      if case .member(let place, _) = error { throw .member(type, name: "machine.\(place)") }
      throw .member(type, name: "machine")
    }
  }
}

extension Job.Machine {
  init(_ members: ControlMembers) throws(WireError) {
    self.init()
    guard let vm = try members.optionalMembers("vm") else { return }
    id = try vm.optionalString("id") ?? ""
    name = try vm.optionalString("name") ?? ""
    uuid = try vm.optionalString("uuid") ?? ""
  }

  /// As the member `vm`.
  public var json: JSONValue {
    ["id": .string(id), "name": .string(name), "uuid": .string(uuid)]
  }
}

/// JOB_ACK: the job is accepted; in read mode, what the archive holds.
public struct JobAck: Equatable, Sendable {
  /// What the archive holds; empty in write mode.
  public var streams: [StreamDescription]
  /// Of the backup that the archive holds, as far as it tells.
  public var vm = Job.Machine()
  /// Its point in time, if the archive tells.
  public var instant: Timestamp?
  /// What the machine was made of, if the archive tells.
  public var machine: MachineDescription?

  /// Makes an answer that tells streams alone.
  public init(streams: [StreamDescription] = []) { self.streams = streams }

  /// Reads the payload and checks every member.
  public init(parsing payload: [UInt8], mode: Job.Mode) throws(WireError) {
    let members = try ControlFrame.members(.jobAck, payload)
    streams = mode == .write ? [] : try StreamDescription.list(members)
    guard mode != .write, let job = try members.optionalMembers("job") else { return }
    vm = try Job.Machine(job)
    instant = try job.optionalString("instant").flatMap { Timestamp($0) }
    machine = try job.machine()
  }

  /// As a payload.
  public var object: JSONObject {
    var object: JSONObject = ["streams": .array(streams.map { .object($0.object) })]
    guard vm != Job.Machine() || instant != nil || machine != nil else { return object }
    var job: JSONObject = ["vm": vm.json, "instant": .string(instant?.text ?? "")]
    if let machine { job["machine"] = .object(machine.object) }
    object["job"] = .object(job)
    return object
  }
}
