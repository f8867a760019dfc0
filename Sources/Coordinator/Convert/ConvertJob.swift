internal import BackupProtocol
internal import BlockSource
internal import Machine
internal import PluginHost
internal import Pump
internal import SharedPool
package import System

/// `sluice convert`: an archive becomes archives of other formats.
///
/// ```
/// reader plugin ─► its pool ─► memory of the host alone ─► pool ─► writer plugins
/// ```
/// Both kinds of plugins are in their sandboxes, and trust nothing of each other. What travels is
/// the backup and not the file: configurations, roles, the machine's identity, the instant.
package struct ConvertJob: Sendable {
  private let wanted: ArchiveRequest
  private let request: BackupRequest
  private let surroundings: Surroundings
  private let stop: StopSignal

  /// - Parameter request: Its outputs and their options, limits and the machine's identity.
  package init(
    _ wanted: ArchiveRequest, _ request: BackupRequest, _ surroundings: Surroundings,
    stop: StopSignal
  ) {
    self.wanted = wanted
    self.request = request
    self.surroundings = surroundings
    self.stop = stop
  }

  /// Runs the job; blocks.
  ///
  /// - Throws: `JobError` when not every output could be published; with status `.partial` some
  ///   were, and the events name them.
  package func run() throws(JobError) -> JobReport {
    let started = MonotonicTime.now
    let files = try ToldFiles(request.machineFiles)
    let archive = try Archive.find(wanted, surroundings, stop: stop)
    let outputs = try BackupPlan.outputs(
      request, surroundings, isMachineTold: request.vmID.isEmpty)
    let pool = try BackupRun.pool(BackupPlan.shape(outputs))
    let handover = try attempt("start converting") { () throws(SystemCallError) in
      try StreamHandover(pool: pool, stop: stop)
    }
    let maps = try maps(archive, outputs)
    let reading = try attempt("start converting") { () throws(SystemCallError) in
      try ArchiveReading(job(archive), maps: maps, handover)
    }
    // However this ends, the reader ends first.
    defer {
      handover.takerIsDone()
      _ = reading.end()
    }
    let contents = try reading.contents()
    let plan = try makePlan(contents, outputs, files)
    surroundings.events(
      .planned(doing: "convert", streams: plan.streams.map(\.name), bytes: plan.byteCount))
    let source = ArchiveSource(reading, contents, plan, maps: maps, handover)
    var report = try BackupRun(
      request: request, surroundings: surroundings, stop: stop, doing: "convert"
    ).run(plan, pool, source)
    report.proof = try reading.end().get().proof
    if report.proof == Proof.none { surroundings.events(.warning(archive.unprovenWarning)) }
    report.seconds = MonotonicTime.now.seconds(since: started)
    surroundings.events(.finished(report))
    return report
  }

  private func job(_ archive: Archive) -> ReadJob {
    ReadJob(archive: archive, surroundings: surroundings, stop: stop, showsProgress: false)
  }

  private func makePlan(
    _ contents: ArchiveReading.Contents, _ outputs: [BackupPlan.Output], _ files: ToldFiles
  ) throws(JobError) -> BackupPlan {
    guard !contents.disks.isEmpty || !contents.configs.isEmpty else {
      throw JobError(.badData, doing: "", "the archive is empty")
    }
    if let disk = contents.disks.first(where: \.isIncremental) {
      throw JobError(
        .unavailable, doing: "", "\"\(disk.name)\" is incremental: converting it needs its parent")
    }
    var origin = contents.origin
    if origin.instant.isEmpty {
      surroundings.events(
        .warning("the archive has no timestamp; using the time of the conversion"))
      origin.instant = makeTimestamp()
    }
    // What the user says now, then what the archive holds, then what its format tells.
    let told =
      files.told ?? ToldFiles(archived: contents.configs, surroundings.events).told
      ?? origin.description.map { ToldMachine($0) }
    return try BackupPlan(
      id: makeJobIdentifier(), instant: origin.instant, machine: origin.machine(request, files),
      told: told,
      disks: contents.disks.map {
        BackupPlan.Disk(name: $0.name, kind: $0.kind, role: $0.role, size: $0.size ?? 0)
      },
      configs: contents.configs + files.configs, outputs: outputs)
  }

  /// Where the disks have data, for writers that must know it before the first byte: found out by
  /// reading the archive once before.
  private func maps(
    _ archive: Archive, _ outputs: [BackupPlan.Output]
  ) throws(JobError) -> [String: [Extent]] {
    guard let output = outputs.first(where: { $0.chosen.plugin.manifest.needs.contains(.map) })
    else { return [:] }
    guard archive.kind != .pipe else {
      throw JobError(
        .unavailable, doing: "",
        "format \"\(output.chosen.format.name)\" needs an allocation map in advance, which a pipe "
          + "does not have", hint: "save the archive to a file first")
    }
    let receipts = ReceiptCheck(receipt: archive.receipt)
    var targets: [String: MapTarget] = [:]
    _ = try job(archive).run(
      .read, doing: "convert",
      ReadLane.Plan(
        accept: { ack throws(LaneFailure) in try receipts.accept(ack.streams) },
        target: { stream, _ throws(LaneFailure) in
          let target = MapTarget(size: stream.size ?? 0)
          targets[stream.name] = target
          return target
        },
        choose: { $0.filter { $0.kind != .config } },
        check: { stream, digest throws(LaneFailure) in try receipts.check(stream, digest) }))
    return targets.mapValues(\.map)
  }
}
