internal import BackupJobs
internal import BackupProtocol
internal import JobSupport
internal import Pump
internal import QEMUControl
internal import Requests
internal import System

/// What a backup of a level does with a machine's dirty bitmaps: decided before its point in time.
struct GuestIncrement: Sendable {
  /// The backup it refers to, if any.
  let chosen: ChosenParent
  /// What becomes of the bitmaps of each disk, by its node.
  private(set) var bitmaps: [String: DiskBitmaps] = [:]
  /// Why changes of a disk are not known from a bitmap, by the disk's name.
  private(set) var whyNoBitmap: [String: String] = [:]
  /// What the user should know.
  private(set) var warnings: [(text: String, remedy: Remedy)] = []
  /// Disks with a bitmap that ends with QEMU.
  private(set) var volatile: [String] = []

  /// Chooses the parent: the newest whose bitmaps are all usable, else the newest.
  ///
  /// - Throws: `JobError` if the level that is asked for is impossible; nothing was changed.
  static func plan(
    _ order: JobOrder, of machine: Job.Machine, _ disks: [GuestBlockDevice],
    _ features: MachineFeatures, _ monitor: any Monitor
  ) async throws(JobError) -> GuestIncrement? {
    guard let increment = order.increment else { return nil }
    guard features.hasDirtyBitmaps else {
      throw JobError(.unavailable, "this QEMU lacks the dirty bitmaps that increments need")
    }
    let inventory = try await attempt("list the dirty bitmaps") { () async throws(ControlError) in
      try await BitmapInventory.read(monitor)
        .removingOutgrown(on: disks.map { $0.nodeName ?? "" }, monitor)
    }
    let chosen = try await blocking(named: "sluice-parent") { () throws(JobError) in
      try increment.parent(of: machine, disks: disks.map(\.name)) { receipt in
        disks.allSatisfy { inventory.isUsable(receipt, for: $0) }
      }
    }
    var plan = GuestIncrement(chosen)
    let socket = order.request.guest?.socket ?? ""
    for disk in disks { plan.add(disk, inventory, job: order.id, socket: socket) }
    return plan
  }

  /// The streams with what is stored of each.
  ///
  /// - Parameter knownChanges: Disks whose map comes from a bitmap.
  func captured(
    _ streams: [LaneStream], knownChanges: [String], _ order: JobOrder
  ) throws(JobError) -> [LaneStream] {
    var maps: [String: [Extent]] = [:]
    for stream in streams where knownChanges.contains(stream.description.name) {
      maps[stream.description.name] = stream.map
    }
    return try IncrementCapture(chosen, order).streams(
      streams, bitmaps: maps, whyNoBitmap: whyNoBitmap)
  }

  private init(_ chosen: ChosenParent) { self.chosen = chosen }

  private mutating func add(
    _ disk: GuestBlockDevice, _ inventory: BitmapInventory, job: String, socket: String
  ) {
    let node = disk.nodeName ?? ""
    var parent: DiskBitmaps.Parent?
    if let receipt = chosen.parent?.receipt {
      switch inventory.judgement(of: receipt, for: disk) {
      case .usable(let found): parent = found
      case .unusable(let reason): whyNoBitmap[disk.name] = reason
      }
    }
    let superseded = superseded(of: disk, inventory).filter { $0 != parent?.name }
    guard
      let name = BitmapName(job: job, disk: disk.name, bytes: UInt64(clamping: disk.size))
    else { return }
    // Some of them become superfluous by this backup.
    let crowd = inventory.crowd(on: node).filter {
      $0 != parent?.name && !superseded.contains($0)
    }
    guard crowd.count < BitmapInventory.oursMax else {
      warnings.append(
        (
          "\(disk.name) has \(crowd.count) dirty bitmaps of earlier backups and gets no other: the "
            + "next increment compares it", .removeBitmaps(socket: socket)
        ))
      return
    }
    let isPersistent = inventory[node]?.keepsBitmaps ?? false
    if !isPersistent { volatile.append(disk.name) }
    bitmaps[node] = DiskBitmaps(
      new: name, isPersistent: isPersistent, parent: parent, superseded: superseded)
  }
}

extension GuestIncrement {
  /// Bitmaps of ours from which no backup will go on once this one is published. Where one is
  /// missed all the same, the increment is found by comparing.
  private func superseded(
    of disk: GuestBlockDevice, _ inventory: BitmapInventory
  ) -> [BitmapName] {
    let times = BitmapTimes()
    var jobs = Set(chosen.superseded)
    if chosen.level == .incremental, let parent = chosen.parent { jobs.insert(parent.receipt.job) }
    return (inventory[disk.nodeName ?? ""]?.ours ?? []).filter { name, bitmap in
      bitmap.isInconsistent || name.disk != disk.name || jobs.contains(name.job)
        || name.job != chosen.parent?.receipt.job && times.isUnsettled(name)
    }.map(\.name)
  }
}

extension BitmapInventory {
  fileprivate enum Judgement {
    case usable(DiskBitmaps.Parent)
    case unusable(String)
  }

  fileprivate func judgement(of receipt: Receipt, for disk: GuestBlockDevice) -> Judgement {
    guard let stream = receipt.streams.first(where: { $0.name == disk.name }) else {
      return .unusable("the parent does not have this disk")
    }
    guard let name = BitmapName(job: receipt.job, disk: disk.name, bytes: stream.size) else {
      return .unusable("the parent was not made by sluice backup")
    }
    guard stream.size == UInt64(clamping: disk.size) else {
      let obstacle = BitmapObstacle.otherSize(
        parentBytes: stream.size, bytes: UInt64(clamping: disk.size))
      return .unusable("\(obstacle)")
    }
    switch judge(name, on: disk.nodeName ?? "", parentBytes: stream.size) {
    case .usable: return .usable(DiskBitmaps.Parent(name: name, bytes: stream.size))
    case .unusable(let obstacle): return .unusable("\(obstacle)")
    }
  }

  fileprivate func isUsable(_ receipt: Receipt, for disk: GuestBlockDevice) -> Bool {
    if case .usable = judgement(of: receipt, for: disk) { true } else { false }
  }
}
