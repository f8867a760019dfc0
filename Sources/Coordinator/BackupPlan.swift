internal import BackupProtocol
internal import BlockSource
internal import JSON
internal import PluginHost
internal import Pump
internal import Sandbox
internal import SharedPool
internal import System

/// Everything that is known before anything is started: a job that cannot work ends here.
struct BackupPlan {
  /// One archive to be made.
  struct Output {
    let label: String
    let path: String
    let chosen: ChosenFormat
    let kind: Job.OutputKind
    let options: JSONObject

    /// The plugin writes the receipt, into its directory; else the host does, beside the archive.
    var writesOwnReceipt: Bool { kind == .directory && chosen.format.receipt != nil }
  }

  let id = makeJobIdentifier()
  let instant = makeTimestamp()
  let images: [InspectedImage]
  let configs: [ConfigFile]
  let outputs: [Output]
  let streams: [StreamDescription]
  let machine: Job.Machine
  let shape: PoolShape

  init(_ request: BackupRequest, _ surroundings: Surroundings) throws(JobError) {
    guard !request.images.isEmpty || !request.configs.isEmpty else {
      throw JobError(.usage, doing: "", "nothing to back up", hint: "add --image NAME=FILE")
    }
    outputs = try Self.outputs(request, surroundings)
    configs = try Self.configs(request.configs)
    images = try Self.images(request, surroundings)
    streams = try Self.streams(images, configs)
    machine = Job.Machine(name: request.vmName)
    let slotCount = outputs.map { Int($0.chosen.plugin.manifest.slotCountMin) }.max() ?? 0
    shape = PoolShape(slotCount: max(16, slotCount))
  }

  private static func outputs(
    _ request: BackupRequest, _ surroundings: Surroundings
  ) throws(JobError) -> [Output] {
    guard !request.outputs.isEmpty else {
      throw JobError(.usage, doing: "", "no output", hint: "add --to FORMAT=PATH")
    }
    var outputs: [Output] = []
    for asked in request.outputs {
      guard !outputs.contains(where: { $0.label == asked.label }) else {
        throw JobError(
          .usage, doing: "", "two outputs are called \"\(asked.label)\"",
          hint: "tell them apart: --to \(asked.format):LABEL=PATH")
      }
      let chosen = try surroundings.format(asked.format)
      try chosen.require(.write)
      let options = request.options.filter { $0.label == asked.label }
      outputs.append(
        Output(
          label: asked.label, path: asked.path, chosen: chosen, kind: try chosen.outputKind(),
          options: try chosen.options(options)))
    }
    for option in request.options where !outputs.contains(where: { $0.label == option.label }) {
      throw JobError(
        .usage, doing: "", "option \(option.label).\(option.key) belongs to no output",
        hint: "options are FORMAT.KEY=VALUE, or LABEL.KEY=VALUE for a labelled output")
    }
    return outputs
  }

  private static func configs(_ paths: [String]) throws(JobError) -> [ConfigFile] {
    var configs: [ConfigFile] = []
    for path in paths { configs.append(try ConfigFile(path: path)) }
    return configs
  }

  private static func images(
    _ request: BackupRequest, _ surroundings: Surroundings
  ) throws(JobError) -> [InspectedImage] {
    var images: [InspectedImage] = []
    for image in request.images {
      guard StreamDescription.isAcceptable(name: image.name) else {
        throw JobError(
          .usage, doing: "", "\"\(image.name)\" cannot be a disk's name",
          hint: "1 to 255 bytes, no slash, no control character, no dot in front")
      }
      let wanted = ImageRequest(
        name: image.name, path: image.path, format: image.format,
        allowBacking: request.allowBacking)
      do {
        images.append(
          try ImageInspector.inspect(
            wanted, launcher: surroundings.launcher, mode: surroundings.sandbox))
      } catch {
        throw JobError(error, doing: "opening disk \(image.name)")
      }
    }
    return images
  }

  /// Configurations first: some formats keep them in their header.
  private static func streams(
    _ images: [InspectedImage], _ configs: [ConfigFile]
  ) throws(JobError) -> [StreamDescription] {
    var streams: [StreamDescription] = []
    for config in configs {
      streams.append(
        StreamDescription(
          id: UInt32(streams.count + 1), kind: .config, name: config.name, role: "config",
          size: UInt64(config.bytes.count)))
    }
    for image in images {
      streams.append(
        StreamDescription(
          id: UInt32(streams.count + 1), kind: .disk, name: image.name, role: "disk",
          size: image.size))
    }
    guard streams.count <= Int(Limits.streamsMax) else {
      throw JobError(.usage, doing: "", "more than \(Limits.streamsMax) disks and configurations")
    }
    var names: Set<String> = []
    for stream in streams where !names.insert(stream.name).inserted {
      throw JobError(.usage, doing: "", "two streams are called \"\(stream.name)\"")
    }
    return streams
  }
}
