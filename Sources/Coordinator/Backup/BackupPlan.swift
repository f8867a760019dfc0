package import BackupProtocol
internal import JSON
package import JobSupport
internal import Machine
internal import PluginHost
internal import Pump
internal import Requests
internal import SharedPool
internal import System

/// Everything that is decided before plugins start: a job that cannot work fails here at the
/// latest.
package struct BackupPlan {
  /// One archive to be made.
  package struct Output: Sendable {
    let label: String
    /// A path may still be a pattern, until the plan is complete.
    var place: OutputPlace
    package let chosen: ChosenFormat
    let kind: Job.OutputKind
    let options: JSONObject

    /// The plugin writes the receipt, into its directory; else the host does, beside the archive.
    var writesOwnReceipt: Bool { kind == .directory && chosen.format.receipt != nil }
  }

  /// One disk to be read, wherever it is.
  package struct Disk: Sendable {
    let name: String
    let kind: StreamDescription.Kind
    let role: String
    let size: UInt64
    let file: String

    /// - Parameters:
    ///   - size: Bytes.
    ///   - file: The image it is in, as its machine calls it; empty if unknown.
    package init(
      name: String, kind: StreamDescription.Kind = .disk, role: String, size: UInt64,
      file: String = ""
    ) {
      self.name = name
      self.kind = kind
      self.role = role
      self.size = size
      self.file = file
    }
  }

  let id: String
  /// The point in time of the archive, RFC 3339 in UTC.
  let instant: Timestamp
  let disks: [Disk]
  let configs: [ConfigFile]
  let outputs: [Output]
  package private(set) var streams: [StreamDescription]
  /// How much of the disks is stored, once that is known.
  private(set) var level = BackupLevel.full
  /// What the increment refers to.
  private(set) var parent: ParentArchive?
  let machine: Job.Machine
  /// What the machine is made of, if that is known.
  let description: MachineDescription?

  /// - Throws: `JobError` of status `.usage` if an archive cannot hold it.
  init(_ contents: SourceContents, outputs: [Output]) throws(JobError) {
    let (disks, configs) = (contents.disks, contents.configs)
    guard !disks.isEmpty || !configs.isEmpty else {
      throw JobError(.usage, "nothing to back up", hint: .addImage)
    }
    id = contents.id
    instant = contents.instant
    machine = contents.machine
    description = Self.description(contents.told, machine, disks)
    self.disks = disks
    self.configs = configs
    self.outputs = try Self.named(outputs, machine, instant: instant)
    streams = try Self.streams(disks, configs)
  }

  /// Refuses streams that one of the outputs cannot hold.
  func requireHeld(_ catalog: PluginCatalog) throws(JobError) {
    for output in outputs {
      for stream in streams { try output.chosen.requireStreams(stream.kind, catalog) }
    }
  }

  /// The plan with what is stored of each stream: without an increment among them it is full.
  func capturing(_ streams: [LaneStream], _ chosen: ChosenParent?) -> BackupPlan {
    var plan = self
    plan.streams = streams.map(\.description)
    guard let chosen, plan.streams.contains(where: \.isIncremental) else { return plan }
    (plan.level, plan.parent) = (chosen.level, chosen.parent)
    return plan
  }

  /// What the archive of an output says of its parent.
  func parent(of output: Output) -> ParentBackup? {
    guard let parent, let number = outputs.firstIndex(where: { $0.label == output.label }) else {
      return nil
    }
    var place: String?
    if case .path(let pattern) = output.place { place = pattern.text }
    return parent.description(of: number, at: place, isDirectory: output.kind == .directory)
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
    // One that is too large for a JOB is left out; the original file is archived anyway.
    return (try? MachineDescription(parsing: described.object)) == nil ? nil : described
  }

  /// The outputs with their names for this backup.
  private static func named(
    _ outputs: [Output], _ machine: Job.Machine, instant: Timestamp
  ) throws(JobError) -> [Output] {
    var outputs = outputs
    for index in outputs.indices {
      guard case .path(let pattern) = outputs[index].place else { continue }
      let path = try requested { () throws(RequestError) in
        try pattern.path(vmID: machine.id, time: makeNameOfTime(instant))
      }
      outputs[index].place = .path(NamePattern(literal: path))
    }
    return outputs
  }

  /// Bytes of all streams.
  var byteCount: UInt64 { streams.reduce(0) { $0 + ($1.size ?? 0) } }

  /// What is asked for, checked against the manifests.
  ///
  /// - Parameter isVMIDToCome: The VM's ID may come from the source, if the user does not give it.
  static func outputs(
    _ request: BackupRequest, _ surroundings: Surroundings, isVMIDToCome: Bool = false
  ) throws(JobError) -> [Output] {
    try requested { () throws(RequestError) in
      try request.validateOutputs(isVMIDToCome: isVMIDToCome)
    }
    var outputs: [Output] = []
    for asked in request.outputs {
      let chosen = try surroundings.format(asked.format)
      try chosen.require(.write)
      if request.guest?.vmState != nil {
        try chosen.requireStreams(.vmstate, surroundings.catalog)
      }
      let options = request.options.filter { $0.label == asked.label }
      outputs.append(
        Output(
          label: asked.label, place: asked.place, chosen: chosen,
          kind: try chosen.outputKind(asked.place),
          options: try chosen.options(options, for: asked.place)))
    }
    return outputs
  }

  /// Refuses outputs that already exist or are being made, before anything else is touched.
  ///
  /// - Throws: `JobError` of status `.cannotCreate`, `.busy`, or `.usage` for a bad name.
  ///   Others may still be refused later.
  static func refuseTaken(_ outputs: [Output]) throws(JobError) {
    for output in outputs {
      guard case .path(let pattern) = output.place, pattern.isDirectoryPlain,
        let path = try? pattern.path(vmID: "0", time: "0")
      else { continue }
      do throws(PublishingError) {
        // A name that depends on the time is not known yet, but its directory is.
        guard pattern.isPlain else {
          try StagingPlace.requireDirectory(of: path)
          continue
        }
        try StagingPlace.requireName(path, hasReceipt: !output.writesOwnReceipt)
        if (try? FileStatus(path: path)) != nil { throw .exists(path) }
        try StagingPlace.requireUntaken(path)
      } catch {
        throw JobError(error, cannot: "create \(pattern.isPlain ? path : pattern.text)")
      }
    }
  }

  /// The configurations that are asked for, in memory.
  static func configs(
    _ request: BackupRequest, stop: StopSignal
  ) throws(JobError) -> [ConfigFile] {
    var configs: [ConfigFile] = []
    for path in request.configs { configs.append(try ConfigFile(path: path, stop: stop)) }
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
      guard disk.name.utf8.count <= DiskName.byteCountMax else {
        throw JobError(
          .usage,
          "disk name \"\(disk.name.prefix(40))…\" is too long: \(disk.name.utf8.count) bytes; "
            + "the maximum is \(DiskName.byteCountMax), so that NAME.raw is a file name")
      }
      streams.append(
        StreamDescription(
          id: UInt32(streams.count + 1), kind: disk.kind, name: disk.name, role: disk.role,
          size: disk.size))
    }
    guard streams.count <= Int(Limits.streamsMax) else {
      throw JobError(.usage, "more than \(Limits.streamsMax) disks and configurations")
    }
    guard configs.reduce(0, { $0 + UInt64($1.bytes.count) }) <= ConfigFile.sumMax else {
      throw JobError(
        .usage, "configurations exceed \(ConfigFile.sumMax >> 20) MiB in total",
        hint: .addAsDisk)
    }
    var names: Set<String> = []
    for stream in streams where !names.insert(stream.name).inserted {
      throw JobError(.usage, "duplicate name \"\(stream.name)\"")
    }
    return streams
  }
}
