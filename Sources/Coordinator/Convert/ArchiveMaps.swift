internal import ArchiveJobs
internal import BackupJobs
internal import BackupProtocol
internal import BlockSource
internal import JobSupport
internal import PluginHost
internal import Pump
internal import Requests

/// Where the disks of an archive have data, for writers that must know it before the first byte:
/// found out by reading the archive once before.
struct ArchiveMaps {
  let chain: ArchiveChain
  let order: JobOrder

  /// - Returns: Extents by the disk's name; none if no writer needs them.
  /// - Throws: `JobError` if a pipe would have to be read twice, or reading fails.
  func read() throws(JobError) -> [String: [Extent]] {
    let needing = order.outputs.first { $0.chosen.plugin.manifest.needs.contains(.map) }
    guard let output = needing else { return [:] }
    let archive = chain.archive
    guard archive.kind != .pipe else {
      throw JobError(
        .unavailable,
        "format \"\(output.chosen.format.name)\" needs an allocation map in advance, which a pipe "
          + "does not have", hint: "save the archive to a file first")
    }
    let receipts = ReceiptCheck(receipt: archive.receipt)
    var targets: [String: MapTarget] = [:]
    _ = try ReadJob(chain, order).run(
      .read, doing: "convert",
      ReadLane.Plan(
        accept: { ack throws(LaneFailure) in try receipts.accept(ack.streams) },
        target: { stream, _ throws(LaneFailure) in
          let target = MapTarget(size: try stream.knownSize())
          targets[stream.name] = target
          return target
        },
        choose: { $0.filter { $0.kind == .disk } },
        check: { stream, digest throws(LaneFailure) in try receipts.check(stream, digest) }))
    return targets.mapValues(\.map)
  }
}
