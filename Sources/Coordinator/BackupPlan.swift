internal import BackupProtocol
internal import JSON
internal import Machine
internal import PluginHost
internal import SharedPool
internal import System

/// Everything that is known before anything is started: a job that cannot work fails here.
struct BackupPlan {
  /// One archive to be made.
  struct Output {
    let label: String
    /// A path may still be a pattern, until the plan is complete.
    var place: OutputPlace
    let chosen: ChosenFormat
    let kind: Job.OutputKind
    let options: JSONObject

    /// The plugin writes the receipt, into its directory; else the host does, beside the archive.
    var writesOwnReceipt: Bool { kind == .directory && chosen.format.receipt != nil }
  }

  /// One disk to be read, wherever it is.
  struct Disk {
    let name: String
    var kind = StreamDescription.Kind.disk
    let role: String
    /// Bytes.
    let size: UInt64
    /// The image it is in, as its machine calls it; empty if unknown.
    var file = ""
  }

  let id: String
  /// The point in time of the archive, RFC 3339 in UTC.
  let instant: String
  let disks: [Disk]
  let configs: [ConfigFile]
  let outputs: [Output]
  let streams: [StreamDescription]
  let machine: Job.Machine
  /// What the machine is made of, if that is known.
  let description: MachineDescription?
  let shape: PoolShape

  /// - Parameters:
  ///   - told: What is known of the machine; its disks find their streams here.
  ///   - slotCount: Of the pool; more if a plugin needs more.
  init(
    id: String, instant: String, machine: Job.Machine, told: ToldMachine? = nil, disks: [Disk],
    configs: [ConfigFile], outputs: [Output], slotCount: Int = 16
  ) throws(JobError) {
    guard !disks.isEmpty || !configs.isEmpty else {
      throw JobError(.usage, doing: "", "nothing to back up", hint: "add --image NAME=FILE")
    }
    self.id = id
    self.instant = instant
    self.machine = machine
    description = Self.description(told, machine, disks)
    self.disks = disks
    self.configs = configs
    self.outputs = try Self.named(outputs, machine, instant: instant)
    streams = try Self.streams(disks, configs)
    shape = Self.shape(outputs, slotCount: slotCount)
  }

  /// Of a pool that suits every plugin.
  ///
  /// - Parameter slotCount: More if a plugin needs more.
  static func shape(_ outputs: [Output], slotCount: Int = 16) -> PoolShape {
    let needed = outputs.map { Int($0.chosen.plugin.manifest.slotCountMin) }.max() ?? 0
    return PoolShape(slotCount: max(slotCount, needed))
  }

  /// The machine with its disks' streams, called as the job calls it.
  private static func description(
    _ told: ToldMachine?, _ machine: Job.Machine, _ disks: [Disk]
  ) -> MachineDescription? {
    let streams = disks.filter { $0.kind == .disk }.map {
      ToldMachine.Stream(name: $0.name, role: $0.role, file: $0.file)
    }
    guard var described = told?.with(streams: streams) else { return nil }
    if !machine.name.isEmpty { described.name = MachineDescription.plainText(machine.name) }
    // What does not fit into a JOB is left out: it is a view, and the file travels.
    return (try? MachineDescription(parsing: described.object)) == nil ? nil : described
  }

  /// The outputs with their names for this backup.
  private static func named(
    _ outputs: [Output], _ machine: Job.Machine, instant: String
  ) throws(JobError) -> [Output] {
    var outputs = outputs
    for index in outputs.indices {
      guard case .path(let pattern) = outputs[index].place else { continue }
      outputs[index].place = .path(
        try NamePattern(pattern).path(machine, instant: instant))
    }
    return outputs
  }

  /// Bytes of all streams.
  var byteCount: UInt64 { streams.reduce(0) { $0 + ($1.size ?? 0) } }

  /// What is asked for, checked against the manifests.
  ///
  /// - Parameter isMachineTold: The machine's id, if the user does not say it, may come later.
  static func outputs(
    _ request: BackupRequest, _ surroundings: Surroundings, isMachineTold: Bool = false
  ) throws(JobError) -> [Output] {
    guard !request.outputs.isEmpty else {
      throw JobError(.usage, doing: "", "no output specified", hint: "add --to FORMAT=PATH")
    }
    guard request.outputs.count(where: { $0.place == .standardOutput }) <= 1 else {
      throw JobError(.usage, doing: "", "only one archive can go to standard output")
    }
    var outputs: [Output] = []
    for asked in request.outputs {
      if case .path(let path) = asked.place {
        let pattern = try NamePattern(path)
        if !isMachineTold { _ = try pattern.path(Job.Machine(id: request.vmID), instant: "") }
      }
      guard !outputs.contains(where: { $0.label == asked.label }) else {
        throw JobError(
          .usage, doing: "", "duplicate output name \"\(asked.label)\"",
          hint: "give them labels: --to \(asked.format):LABEL=PATH")
      }
      let chosen = try surroundings.format(asked.format)
      try chosen.require(.write)
      let options = request.options.filter { $0.label == asked.label }
      outputs.append(
        Output(
          label: asked.label, place: asked.place, chosen: chosen,
          kind: try chosen.outputKind(asked.place), options: try chosen.options(options)))
    }
    if request.savedReceipt != nil, outputs.count(where: \.place.isStream) != 1 {
      throw JobError(
        .usage, doing: "", "--save-receipt requires exactly one output that is a stream",
        hint: "other archives have their receipt beside or inside them")
    }
    for option in request.options where !outputs.contains(where: { $0.label == option.label }) {
      throw JobError(
        .usage, doing: "", "no output for option \(option.label).\(option.key)",
        hint: "use FORMAT.KEY=VALUE, or LABEL.KEY=VALUE for a labelled output")
    }
    return outputs
  }

  /// Refuses outputs that already exist, before anything else is touched.
  ///
  /// - Throws: `JobError` of status `.cannotCreate`. Others may still be refused later.
  static func refuseTaken(_ outputs: [Output]) throws(JobError) {
    for output in outputs {
      // A name that depends on the time is not known yet.
      guard case .path(let pattern) = output.place, try NamePattern(pattern).isPlain else {
        continue
      }
      let path = try NamePattern(pattern).path(Job.Machine(), instant: "")
      guard (try? FileStatus(path: path)) != nil else { continue }
      throw JobError(PublishingError.exists(path), cannot: "create \(path)")
    }
  }

  /// The configurations that are asked for, in memory.
  static func configs(_ request: BackupRequest) throws(JobError) -> [ConfigFile] {
    var configs: [ConfigFile] = []
    for path in request.configs { configs.append(try ConfigFile(path: path)) }
    return configs
  }

  /// Configurations first: some formats keep them in their header.
  private static func streams(
    _ disks: [Disk], _ configs: [ConfigFile]
  ) throws(JobError) -> [StreamDescription] {
    var streams: [StreamDescription] = []
    for config in configs {
      streams.append(
        StreamDescription(
          id: UInt32(streams.count + 1), kind: .config, name: config.name, role: config.role,
          size: UInt64(config.bytes.count)))
    }
    for disk in disks {
      guard disk.name.utf8.count <= RestorePlaces.diskNameBytesMax else {
        throw JobError(
          .usage, doing: "",
          "disk name \"\(disk.name.prefix(40))…\" is too long: \(disk.name.utf8.count) bytes; "
            + "the maximum is \(RestorePlaces.diskNameBytesMax), so that NAME.raw is a file name")
      }
      streams.append(
        StreamDescription(
          id: UInt32(streams.count + 1), kind: disk.kind, name: disk.name, role: disk.role,
          size: disk.size))
    }
    guard streams.count <= Int(Limits.streamsMax) else {
      throw JobError(.usage, doing: "", "more than \(Limits.streamsMax) disks and configurations")
    }
    guard configs.reduce(0, { $0 + UInt64($1.bytes.count) }) <= ConfigFile.sumMax else {
      throw JobError(
        .usage, doing: "", "configurations exceed \(ConfigFile.sumMax >> 20) MiB in total",
        hint: "add large files as disks: --image NAME=FILE,format=raw")
    }
    var names: Set<String> = []
    for stream in streams where !names.insert(stream.name).inserted {
      throw JobError(.usage, doing: "", "duplicate name \"\(stream.name)\"")
    }
    return streams
  }
}
