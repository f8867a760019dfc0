internal import ArchiveJobs
internal import BackupJobs
internal import BackupProtocol
internal import BlockSource
internal import JobSupport
internal import Machine
internal import PluginHost
internal import Pump
internal import Requests
internal import SharedPool
internal import System

/// An archive as the source of a conversion.
struct ArchiveSource: JobSource {
  let wanted: ArchiveRequest

  var doing: String { "convert" }
  var tellsMachine: Bool { true }

  func open(_ order: JobOrder) async throws(JobError) -> OpenArchive {
    try await blocking(named: "sluice-archive") { () throws(JobError) in
      let archive = try Archive.find(wanted, order.surroundings, stop: order.stop)
      let chain = try ArchiveChain.find(
        of: archive, in: wanted.parents, order.surroundings, stop: order.stop)
      return try OpenArchive(chain, order)
    }
  }
}

/// An archive that is being read by a thread of its own, up to its first disk.
final class OpenArchive: OpenSource {
  let contents: SourceContents
  private let archive: Archive
  private let order: JobOrder
  private let handover: StreamHandover
  private let maps: [String: [Extent]]
  private let reading: ArchiveReading
  private let archived: ArchiveReading.Contents

  /// Starts to read; blocks until it is known what the archive contains.
  ///
  /// - Throws: `JobError`; then the thread has ended.
  init(_ chain: ArchiveChain, _ order: JobOrder) throws(JobError) {
    archive = chain.archive
    self.order = order
    let handover = try attempt("start converting") { () throws(SystemCallError) in
      try StreamHandover(pool: order.pool, stop: order.stop)
    }
    let maps = try ArchiveMaps(chain: chain, order: order).read()
    let reading = try attempt("start converting") { () throws(SystemCallError) in
      try ArchiveReading(
        ReadJob(chain, order), maps: maps, handover, takesState: order.outputWithoutState == nil)
    }
    do throws(JobError) {
      archived = try reading.contents()
      contents = try Self.contents(archived, order)
    } catch {
      handover.takerIsDone()
      _ = reading.end()
      throw error
    }
    (self.handover, self.maps, self.reading) = (handover, maps, reading)
  }

  func streams(of plan: BackupPlan) throws(JobError) -> any SourceStreams {
    ArchiveStreams(reading, archived, plan, maps: maps, handover)
  }

  /// However the job ended, the thread that reads ends first.
  func settle(_ outcome: JobOutcome) async throws(JobError) -> JobReport {
    handover.takerIsDone()
    let read = await ended()
    var report = try outcome.get()
    report.proof = try read.get().proof
    report.archive = archive.path
    if report.proof == Proof.none {
      order.surroundings.events(.warning(archive.unprovenWarning))
    }
    return report
  }

  private func ended() async -> Result<JobReport, JobError> {
    do throws(JobError) {
      return try await blocking(named: "sluice-settle") { () throws(JobError) in
        self.reading.end()
      }
    } catch {
      return .failure(error)
    }
  }

  private static func contents(
    _ archived: ArchiveReading.Contents, _ order: JobOrder
  ) throws(JobError) -> SourceContents {
    guard !archived.disks.isEmpty || !archived.configs.isEmpty else {
      throw JobError(
        .badData, archived.leftOut.isEmpty ? "the archive is empty" : "the archive has no disks")
    }
    for name in archived.leftOut {
      let format = order.outputWithoutState?.chosen.format.name ?? ""
      order.surroundings.events(
        .warning(
          "\"\(name)\", the state of the running machine, is not converted: format "
            + "\"\(format)\" cannot hold it"))
    }
    let (files, origin) = (order.files, archived.origin)
    return SourceContents(
      id: order.id, instant: instant(origin, order), machine: origin.machine(order.request, files),
      // What the user says now, then what the archive holds, then what its format tells.
      told: files.told ?? ToldFiles(archived: archived.configs, order.surroundings.events).told
        ?? origin.description.map { ToldMachine($0) },
      disks: archived.disks.map {
        BackupPlan.Disk(
          name: $0.description.name, kind: $0.description.kind, role: $0.description.role,
          size: $0.size)
      },
      configs: archived.configs + files.configs)
  }

  private static func instant(_ origin: Archive.Origin, _ order: JobOrder) -> Timestamp {
    if let instant = origin.instant { return instant }
    order.surroundings.events(
      .warning("the archive has no timestamp; using the time of the conversion"))
    return makeTimestamp()
  }
}

extension JobOrder {
  /// The first output that cannot hold the state of a machine: then no output gets it.
  fileprivate var outputWithoutState: BackupPlan.Output? {
    outputs.first { !$0.chosen.format.streams.contains(.vmstate) }
  }
}

extension ReadJob {
  /// The reader of a conversion; the user waits for its writers.
  init(_ chain: ArchiveChain, _ order: JobOrder) {
    self.init(
      archive: chain.archive, chain: chain, surroundings: order.surroundings, stop: order.stop,
      shows: .nothing)
  }
}

extension Archive.Origin {
  /// The machine, with what the user says of it in place of what the archive does.
  func machine(_ request: BackupRequest, _ files: ToldFiles) -> Job.Machine {
    let said = files.identity(request)
    return Job.Machine(
      id: said.id.isEmpty ? machine.id : said.id,
      name: said.name.isEmpty ? machine.name : said.name,
      uuid: said.uuid.isEmpty ? machine.uuid : said.uuid)
  }
}
