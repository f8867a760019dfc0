internal import BackupProtocol
internal import SharedPool

/// One job over two pipes, from the first byte to the last. One thread, blocking.
///
/// HELLO, HELLO_ACK, JOB, then a ``WriteSession`` or a ``ReadSession``. Specified in protocol.md,
/// *Phases*. Descriptors are the caller's: a plugin has 3, 4, 5 and 6, a test others.
final class Session {
  private let plugin: Plugin
  private let channel: Channel
  private let releases = ReleaseQueue()
  private let pool: Int32
  private let target: Int32

  init(
    _ plugin: Plugin, input: Int32, output: Int32, pool: Int32, target: Int32,
    isTraced: Bool = false
  ) {
    self.plugin = plugin
    self.pool = pool
    self.target = target
    channel = Channel(
      input: input, output: output, releases: releases, trace: isTraced ? SessionTrace() : nil)
  }

  /// Runs to the end.
  ///
  /// - Returns: The exit status: 0 for an archive that the host has acknowledged, 1 otherwise.
  func run() -> Int32 {
    do {
      try converse()
      return 0
    } catch {
      try? farewell(error)
      return 1
    }
  }

  private func converse() throws(Ending) {
    let (hello, features) = try greet()
    let shape = PoolShape(slotCount: Int(hello.slotCount), slotBytes: Int(hello.slotBytes))
    releases.prepare(slotCount: shape.slotCount)
    let (job, options, code) = try receiveJob()
    let sharesMemory = features.contains(.sharedMemory)
    let mapping =
      sharesMemory ? try PoolMapping(pool, shape, isWritable: job.mode != .write) : nil
    let context = Context(
      job: job, target: target,
      host: Host(
        hello, plugin, options: options, usesSharedMemory: sharesMemory, scratch: job.scratch,
        channel: channel),
      channel: channel, releases: releases, pool: mapping, features: features,
      hello: hello)
    let (verb, name) = (job.mode == .write ? "write" : "read", plugin.name)
    switch (job.mode, code.writer, code.reader) {
    case (.write, let writer?, _): try WriteSession(context, writer).run()
    case (.read, _, let reader?), (.verify, _, let reader?):
      try ReadSession(context, reader).run()
    default:
      throw .failed(PluginError(.unsupported, "\(name) cannot \(verb) archives of \(job.format)"))
    }
  }

  /// HELLO and HELLO_ACK.
  private func greet() throws(Ending) -> (Hello, [Feature]) {
    let hello: Hello = try control(.hello) { bytes throws(WireError) in try Hello(parsing: bytes) }
    guard hello.versions.contains(Hello.version) else {
      throw .failed(
        PluginError(
          .version, "\(plugin.name) speaks version 1 of the protocol; the host does not"))
    }
    let features = accepted(hello)
    let ack = HelloAck(features: features, plugin: plugin.name, pluginVersion: plugin.version)
    try channel.send { $0.append(.helloAck, ack.object) }
    return (hello, features)
  }

  /// What of the host's offer this plugin takes.
  private func accepted(_ hello: Hello) -> [Feature] {
    let shape = PoolShape(slotCount: Int(hello.slotCount), slotBytes: Int(hello.slotBytes))
    return hello.features.compactMap { Feature(rawValue: $0) }.filter { feature in
      switch feature {
      case .sharedMemory: PoolMapping.isUsable(pool, shape)
      case .map: plugin.wantsMap
      case .randomRead: plugin.readsRanges
      case .checkpoint: false
      }
    }
  }

  /// JOB, its options as the manifest has them, and the code for its format.
  private func receiveJob() throws(Ending) -> (Job, JobOptions, Plugin.Code) {
    let job: Job = try control(.job) { bytes throws(WireError) in try Job(parsing: bytes) }
    guard let (format, code) = plugin.format(job.format) else {
      let known = plugin.manifest.formats.map(\.name).joined(separator: ", ")
      throw .failed(
        PluginError(.badJob, "\(plugin.name) knows no format \(job.format), only \(known)"))
    }
    guard format.outputs.contains(job.output) else {
      let known = format.outputs.map { "a \($0)" }.joined(separator: " or ")
      throw .failed(
        PluginError(.badJob, "an archive of \(job.format) is \(known), not a \(job.output)"))
    }
    if job.mode == .write { try require(format, fits: job.streams) }
    do { return (job, try JobOptions(job.options, of: format), code) } catch {
      throw .failed(error)
    }
  }

  /// Refuses streams that the manifest does not provide for.
  private func require(
    _ format: ManifestFormat, fits streams: [StreamDescription]
  ) throws(Ending) {
    if let stream = streams.first(where: { !format.streams.contains($0.kind) }) {
      throw .failed(
        PluginError(
          .unsupported, "\(format.name) holds no \(stream.kind), and \"\(stream.name)\" is one"))
    }
    if let stream = streams.first(where: \.isIncremental), !format.isIncremental {
      throw .failed(
        PluginError(
          .unsupported,
          "\(format.name) stores full backups only, and \"\(stream.name)\" is incremental"))
    }
    let needsSize = plugin.manifest.needs.contains(.size)
    if needsSize, let stream = streams.first(where: { $0.size == nil }) {
      throw .failed(
        PluginError(
          .unsupported, "\(format.name) needs the size of \"\(stream.name)\" in advance"))
    }
  }

  /// Waits for a control frame that must come now.
  private func control<Value>(
    _ type: FrameType, _ parse: ([UInt8]) throws(WireError) -> Value
  ) throws(Ending) -> Value {
    let header = try channel.next(isFirst: type == .hello)
    guard header.type == type else {
      throw .failed(PluginError(.state(header.type, state: "before \(type.name)")))
    }
    do { return try parse(channel.payloadBytes()) } catch { throw .failed(PluginError(error)) }
  }

  /// The last frame of a job that came to nothing.
  private func farewell(_ ending: Ending) throws(Ending) {
    switch ending {
    case .hostGone, .hostFailed: return
    case .aborted:
      try channel.send { $0.append(.aborted, Abort(reason: "the host said so").object) }
    case .failed(let error):
      try channel.send { $0.append(error.frame()) }
    }
  }
}

/// What both kinds of sessions work with.
struct Context {
  let job: Job
  /// What the archive is, or is to be.
  let target: Int32
  let host: Host
  let channel: Channel
  let releases: ReleaseQueue
  /// `nil` in inline mode.
  let pool: PoolMapping?
  let features: [Feature]
  let hello: Hello
}
