internal import ArchiveJobs
internal import BackupProtocol
package import JobSupport
internal import PluginHost
internal import Pump
package import Requests
package import System

/// `sluice read`: a disk's bytes, or some of them, without a restore.
///
/// A whole disk is read as a restore does it, of an increment through its chain, and held against
/// the receipt. Of a range nothing proves the bytes: a receipt has digests of whole disks, and the
/// user is told so.
package struct RangeJob {
  private let request: RangeRequest
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(_ request: RangeRequest, _ surroundings: Surroundings, stop: StopSignal) {
    self.request = request
    self.surroundings = surroundings
    self.stop = stop
  }

  package func run() throws(JobError) -> JobReport {
    let archive = try Archive.find(request.archive, surroundings, stop: stop)
    let chain =
      request.isWhole
      ? try ArchiveChain.find(of: archive, in: request.archive.parents, surroundings, stop: stop)
      : nil
    let job = ReadJob(
      archive: archive, chain: chain, surroundings: surroundings, stop: stop,
      rateLimit: request.archive.rateLimit)
    do throws(JobError) {
      return try run(job)
    } catch {
      guard error.status == .interrupted else { throw error }
      let what =
        request.output.map { "\($0) was not created" } ?? "standard output is incomplete"
      throw error.saying("interrupted; \(what)", hint: nil)
    }
  }

  private func run(_ job: ReadJob) throws(JobError) -> JobReport {
    let file = try request.output.map { path throws(JobError) in
      try ArchiveGuard(job.archive).refuse(path, for: "write to", "read")
      return try FileOutput(path, id: job.id, surroundings.events)
    }
    let output: any RangeOutput = if let file { file } else { try StandardOutput(stop: stop) }
    var report = try request.isWhole ? readWhole(job, to: output) : readRange(job, to: output)
    tellIfUnproven(report, job.archive)
    if let file, let path = request.output {
      try file.publish(surroundings.events)
      let bytes = report.streams.reduce(0) { $0 + $1.size }
      report.outputs = [OutputReport(label: request.disk, path: path, storedBytes: bytes)]
      surroundings.events(.published(label: request.disk, path: path))
    }
    surroundings.events(.finished(report))
    return report
  }

  private func tellIfUnproven(_ report: JobReport, _ archive: Archive) {
    guard report.proof == Proof.none else { return }
    guard !request.isWhole else { return surroundings.events(.warning(archive.unprovenWarning)) }
    surroundings.events(
      .warning(
        "this part of disk \"\(request.disk)\" is not verified: there are digests of whole disks "
          + "only", "sluice verify reads and verifies all of the archive"))
  }

  // MARK: Reading

  private func readWhole(
    _ job: ReadJob, to output: any RangeOutput
  ) throws(JobError) -> JobReport {
    let receipts = ReceiptCheck(receipt: job.archive.receipt)
    var failure: JobError?
    let disk = request.disk
    let plan = ReadLane.Plan(
      accept: { ack throws(LaneFailure) in
        try receipts.accept(ack.streams)
        _ = try keeping(&failure) { () throws(JobError) in try find(in: ack.streams) }
      },
      target: { stream, _ throws(LaneFailure) in
        WholeDiskTarget(output, size: try stream.knownSize())
      },
      choose: { $0.filter { $0.name == disk } },
      check: { stream, digest throws(LaneFailure) in try receipts.check(stream, digest) })
    do throws(JobError) { return try job.run(.read, doing: "read", plan) } catch {
      throw failure ?? error
    }
  }

  private func readRange(
    _ job: ReadJob, to output: any RangeOutput
  ) throws(JobError) -> JobReport {
    var failure: JobError?
    do throws(JobError) {
      return try job.readRanges(doing: "read") { session, streams throws(LaneFailure) in
        let (disk, range) = try keeping(&failure) { () throws(JobError) in
          try wanted(streams, session, job.archive)
        }
        let size = try disk.knownSize()
        var copy = try RangeCopy(session, disk, size: size, range, to: output)
        return [try copy.run()]
      }
    } catch {
      if let failure { throw failure }
      guard error.code == .unsupported else { throw error }
      throw error.saying(error.description, hint: "read the whole disk")
    }
  }

  /// The disk and what is wanted of it, if it can be had.
  private func wanted(
    _ streams: [StreamDescription], _ session: ArchiveSession, _ archive: Archive
  ) throws(JobError) -> (StreamDescription, Range<UInt64>) {
    let disk = try find(in: streams)
    guard !disk.isIncremental else {
      throw JobError(
        .unavailable,
        "disk \"\(disk.name)\" of \(archive.path) is incremental: a part of it cannot be read, "
          + "because only whole disks prove that a parent is the right one",
        hint: "read the whole disk, or convert the archive into a full one")
    }
    let size: UInt64
    do throws(LaneFailure) { size = try disk.knownSize() } catch { throw JobError(error) }
    let range = try requested { () throws(RequestError) in try request.range(ofDisk: size) }
    guard RangeReader.isPossible(session) else {
      throw JobError(
        .unavailable,
        "plugin \"\(session.plugin.label)\" reads only whole disks", hint: "read the whole disk")
    }
    return (disk, range)
  }

  private func find(in streams: [StreamDescription]) throws(JobError) -> StreamDescription {
    let disks = streams.filter { $0.kind != .config }
    guard let disk = disks.first(where: { $0.name == request.disk }) else {
      throw JobError(
        .usage, "the archive has no disk \"\(cleaned(request.disk))\"",
        hint: disks.isEmpty
          ? nil : .text("it contains: " + disks.map(\.name).joined(separator: ", ")))
    }
    return disk
  }

  /// Keeps a job's error, of which a session can only tell the text.
  private func keeping<Value>(
    _ failure: inout JobError?, _ body: () throws(JobError) -> Value
  ) throws(LaneFailure) -> Value {
    do throws(JobError) { return try body() } catch {
      failure = error
      throw .target(error.description)
    }
  }
}
