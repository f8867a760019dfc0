internal import BackupProtocol
internal import PluginHost
package import Pump
internal import System

/// `sluice restore`: disks as sparse raw images and configurations, in a new directory.
///
/// The directory appears under its name when everything in it is whole and has the digests of the
/// receipt, not before.
package struct RestoreJob {
  private let path: String
  private let target: String
  private let format: String?
  private let surroundings: Surroundings
  private let stop: StopSignal

  package init(
    path: String, to target: String, format: String?, _ surroundings: Surroundings,
    stop: StopSignal
  ) {
    self.path = path
    self.target = target
    self.format = format
    self.surroundings = surroundings
    self.stop = stop
  }

  package func run() throws(JobError) -> JobReport {
    let archive = try Archive.find(path, format: format, surroundings, stop: stop)
    let staging: StagingPlace
    do throws(PublishingError) {
      staging = try StagingPlace(target: target, kind: .directory, id: makeJobIdentifier())
    } catch {
      throw JobError(error, doing: "preparing \(target)")
    }
    let receipts = ReceiptCheck(receipt: archive.receipt)
    let job = ReadJob(archive: archive, surroundings: surroundings, stop: stop, stallLimit: 600)
    var report = try job.run(
      .read, doing: "restore",
      ReadLane.Plan(
        accept: { streams throws(LaneFailure) in
          try receipts.accept(streams)
          try Self.refuseClashes(streams)
        },
        target: { stream throws(LaneFailure) in
          try FileTarget(
            name: Self.fileName(stream), in: staging.descriptor, size: stream.size ?? 0)
        },
        wants: { _ in true },
        check: { stream, digest throws(LaneFailure) in try receipts.check(stream, digest) }))
    let stored = staging.storedBytes()
    do throws(PublishingError) { try staging.publish() } catch {
      throw JobError(error, doing: "publishing \(target)")
    }
    report.outputs = [OutputReport(label: "raw", path: target, storedBytes: UInt64(stored))]
    surroundings.events(.published(label: "raw", path: target))
    surroundings.events(.finished(report))
    return report
  }

  /// A disk is `NAME.raw`, everything else keeps its name. Names were checked when they came in.
  private static func fileName(_ stream: StreamDescription) -> String {
    stream.kind == .disk ? stream.name + ".raw" : stream.name
  }

  private static func refuseClashes(_ streams: [StreamDescription]) throws(LaneFailure) {
    var names: Set<String> = []
    for stream in streams where !names.insert(fileName(stream)).inserted {
      throw .archive(stream: stream.name, "would be restored to the same file as another")
    }
  }
}
