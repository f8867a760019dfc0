internal import JSON
internal import System

/// Removes the bitmaps that a job makes superfluous, after its archives were published or it has
/// failed.
package enum BitmapSettlement {
  /// What has become of the job.
  package enum Outcome: Equatable, Sendable {
    /// Every output of an incremental backup is published: the next one continues from it.
    case succeedsParent
    /// Every output of a full or differential backup is published: the next one may continue from
    /// the parent or from this.
    case besideParent
    /// Only some outputs are published.
    case partial
    /// Nothing is published.
    case failed
  }

  /// Removes them, each disk on its own; bitmaps that are no longer there are not missed.
  ///
  /// Called after the take-down: the bitmaps are in use until then.
  ///
  /// - Parameter journal: Of the job, beside which the times of backups are (`BitmapTimes`).
  /// - Returns: Warnings for people: what could not be removed. Empty if QEMU has ended.
  package static func run(
    _ monitor: any Monitor, _ disks: [PointInTime.Disk], _ outcome: Outcome,
    journal: Journal? = nil, seconds: Double = 10
  ) async -> [String] {
    let deadline = MonotonicTime.now.advanced(bySeconds: seconds)
    let wanted = disks.flatMap { disk in superfluous(disk, outcome).map { (disk, $0) } }
    do throws(ControlError) {
      let inventory = try await BitmapInventory.read(monitor, seconds: seconds)
      forget(inventory, Set(wanted.map(\.1)), journal)
      if outcome != .failed, let journal {
        for disk in disks { disk.bitmaps.map { BitmapTimes(beside: journal).settle($0.new) } }
      }
      var warnings: [String] = []
      for (disk, name) in wanted where inventory[disk.node]?.bitmap(name.bitmap) != nil {
        let left = deadline.seconds(since: .now)
        if let warning = try await remove(name, of: disk, monitor, seconds: left) {
          warnings.append(warning)
        }
      }
      return warnings
    } catch {
      if case .qmp(.disconnected) = error { return [] }
      if wanted.isEmpty { return [] }
      return ["\(error); dirty bitmaps that are no longer needed stay in QEMU"]
    }
  }

  /// Forgets the times of bitmaps that are gone, or are about to be.
  private static func forget(
    _ inventory: BitmapInventory, _ removed: Set<BitmapName>, _ journal: Journal?
  ) {
    guard let journal else { return }
    let left = inventory.nodes.values.flatMap { $0.ours.map(\.name) }.filter {
      !removed.contains($0)
    }
    BitmapTimes(beside: journal).keep(only: Set(left.map(\.job)), of: journal.contents.qmp)
  }

  private static func superfluous(
    _ disk: PointInTime.Disk, _ outcome: Outcome
  ) -> [BitmapName] {
    guard let bitmaps = disk.bitmaps else { return [] }
    return switch outcome {
    case .succeedsParent: bitmaps.superseded + (bitmaps.parent.map { [$0.name] } ?? [])
    case .besideParent: bitmaps.superseded
    case .partial: []
    case .failed: [bitmaps.new]
    }
  }

  private static func remove(
    _ name: BitmapName, of disk: PointInTime.Disk, _ monitor: any Monitor, seconds: Double
  ) async throws(ControlError) -> String? {
    do throws(QMPError) {
      try await BitmapRemoval.remove(name, node: disk.node, monitor, seconds: seconds)
      return nil
    } catch {
      guard case .refused(_, _, let words) = error else { throw .qmp(error) }
      return "\(disk.name): the dirty bitmap \(name.bitmap) stays in QEMU: \(words)"
    }
  }
}

/// The one command that removes a bitmap of ours for good.
enum BitmapRemoval {
  static func remove(
    _ name: BitmapName, node: String, _ monitor: any Monitor, seconds: Double
  ) async throws(QMPError) {
    try await remove(name.bitmap, node: node, monitor, seconds: seconds)
  }

  static func remove(
    _ bitmap: String, node: String, _ monitor: any Monitor, seconds: Double
  ) async throws(QMPError) {
    _ = try await monitor.execute(
      "block-dirty-bitmap-remove", ["node": .string(node), "name": .string(bitmap)],
      seconds: max(0.5, seconds))
  }
}
