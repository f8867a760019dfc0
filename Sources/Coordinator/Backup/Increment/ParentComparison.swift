internal import ArchiveJobs
package import BackupProtocol
package import BlockSource
package import JobSupport
internal import PluginHost
internal import Pump
internal import Requests
internal import SharedPool
internal import System

/// Finds out what of some disks has changed by reading them and their parents side by side.
///
/// The parents' digests are checked in the same pass: what differs from a damaged parent would say
/// nothing. Runs on the thread of the job, before the job's plugins are started.
package struct ParentComparison {
  /// A disk that is compared.
  package struct Disk {
    package let name: String
    package let size: UInt64
    /// Where it has data.
    package let map: [Extent]
    /// Reads into the job's pool.
    package let reader: any DiskReader

    package init(name: String, size: UInt64, map: [Extent], reader: any DiskReader) {
      self.name = name
      self.size = size
      self.map = map
      self.reader = reader
    }
  }

  /// Where disks have changed; a disk that is missing could not be compared.
  package struct Outcome {
    package var maps: [String: [Extent]] = [:]
    /// Why.
    package var failure: JobError?
  }

  private let parent: ParentArchive
  private let order: JobOrder

  package init(_ parent: ParentArchive, _ order: JobOrder) {
    self.parent = parent
    self.order = order
  }

  /// Compares the disks; blocks until the parents' plugins are gone.
  ///
  /// - Throws: `JobError` if the job was stopped, or a disk cannot be read.
  package func run(_ disks: [Disk]) throws(JobError) -> Outcome {
    guard !disks.isEmpty else { return Outcome() }
    var targets: [String: CompareTarget] = [:]
    var outcome = Outcome()
    let receipts = ReceiptCheck(receipt: parent.receipt)
    let contents = parent.receipt.contents
    let plan = ReadLane.Plan(
      accept: { ack throws(LaneFailure) in try receipts.accept(ack.streams) },
      target: { stream, _ throws(LaneFailure) in
        guard let disk = disks.first(where: { $0.name == stream.name }),
          let content = contents[stream.name]
        else { throw .archive(stream: stream.name, "is not wanted") }
        let target = CompareTarget(
          name: disk.name, size: disk.size, map: disk.map, parent: content, reader: disk.reader,
          pool: order.pool, rateLimit: order.request.rateLimit,
          stallLimit: order.request.stallLimit, stop: order.stop)
        targets[disk.name] = target
        return target
      },
      choose: { streams in streams.filter { stream in disks.contains { $0.name == stream.name } } },
      check: { stream, digest throws(LaneFailure) in
        try receipts.check(stream, digest)
        outcome.maps[stream.name] = targets[stream.name]?.map
      })
    do throws(JobError) {
      _ = try ReadJob(
        archive: parent.chain.archive, chain: parent.chain,
        surroundings: order.surroundings.reading(depth: 1),
        stop: order.stop, shows: .progress
      ).run(.read, doing: "compare", plan)
    } catch {
      try order.requireNotStopped()
      outcome.failure = error
    }
    // Slots that are being read into must not be lent to anybody.
    for target in targets.values {
      do throws(LaneFailure) { try target.settle() } catch { throw JobError(error) }
    }
    return outcome
  }
}
