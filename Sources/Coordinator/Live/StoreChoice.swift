internal import QEMUControl
internal import System

/// Where the fleecing stores of a job grow, and how much room they must keep.
struct StoreChoice {
  /// Free bytes below which a backup is broken, so that no store is ever full: what a fast guest
  /// makes a store grow by between two looks at it. Where there is little room, a quarter of it.
  static let marginBytes: Int64 = 64 << 20

  let wishes: [FleecingStore.Wish]
  let warnings: [String]

  /// - Parameter isSpool: Whole disks go there, and room for them is taken before.
  /// - Throws: `JobError` if no place for a store is to be had.
  init(
    _ disks: [GuestBlockDevice], _ request: GuestRequest, isSpool: Bool
  ) throws(JobError) {
    var wishes: [FleecingStore.Wish] = []
    var wanted: [String: Int64] = [:]
    for disk in disks {
      let directory = try Self.directory(disk, request)
      let usual = isSpool ? 0 : FleecingStore.usualBytes(ofDisk: disk.size)
      let reserve = Int64(clamping: request.fleecingReserve)
      wishes.append(
        isSpool ? Self.spool(disk, directory, reserve) : Self.store(disk, directory, reserve))
      wanted[directory, default: 0] += max(usual, reserve)
    }
    self.wishes = wishes
    warnings = Self.strangers(disks, wishes) + Self.shortages(wanted)
  }

  private static func store(
    _ disk: GuestBlockDevice, _ directory: String, _ reserve: Int64
  ) -> FleecingStore.Wish {
    FleecingStore.Wish(
      directory: directory, diskBytes: disk.size, wantedBytes: max(reserve, 1 << 20),
      reservation: reserve > 0 ? .required : .none)
  }

  private static func spool(
    _ disk: GuestBlockDevice, _ directory: String, _ reserve: Int64
  ) -> FleecingStore.Wish {
    FleecingStore.Wish(
      directory: directory, diskBytes: disk.size,
      wantedBytes: max(
        reserve, FleecingStore.spoolBytes(forBytes: disk.contentBytes, ofDisk: disk.size)),
      reservation: .whereFilesystemCan)
  }

  private static func shortages(_ wanted: [String: Int64]) -> [String] {
    wanted.sorted { $0.key < $1.key }.compactMap { directory, bytes in
      guard let free = try? FleecingStore.freeBytes(directory), free < bytes else { return nil }
      return
        "\(directory) has \(free >> 20) MiB free for what the guest overwrites meanwhile; "
        + "\(bytes >> 20) MiB would be usual: the backup is broken before it is full"
    }
  }

  /// A store that hangs holds the guest's writes. Beside its image it hangs when the disk does; a
  /// filesystem of its own is one thing more that can.
  private static func strangers(
    _ disks: [GuestBlockDevice], _ wishes: [FleecingStore.Wish]
  ) -> [String] {
    var names: [String: [String]] = [:]
    for (disk, wish) in zip(disks, wishes) {
      guard let store = try? FileStatus(path: wish.directory).device else { continue }
      if let file = disk.imageFile, (try? FileStatus(path: file))?.device == store { continue }
      names[wish.directory, default: []].append(disk.name)
    }
    return names.sorted { $0.key < $1.key }.map { directory, names in
      "\(directory) is not on the filesystem of \(names.joined(separator: ", ")): "
        + "if it hangs, the guest's writes wait as long"
    }
  }

  private static func directory(
    _ disk: GuestBlockDevice, _ request: GuestRequest
  ) throws(JobError) -> String {
    if let directory = request.fleecingDirectory { return directory }
    return try blockingControl("finding a place for the fleecing store of \(disk.name)") {
      () throws(ControlError) in
      try FleecingPlace.directory(imageFile: disk.imageFile, state: StateDirectory.usual())
    }
  }
}

/// As ``controlling(_:_:)``, for what waits for nobody.
func blockingControl<Value>(
  _ what: String, _ body: () throws(ControlError) -> Value
) throws(JobError) -> Value {
  do throws(ControlError) { return try body() } catch { throw JobError(error, doing: what) }
}

/// Looks after the room of all stores of a job.
struct StoreRoom: Sendable {
  private struct Place: Sendable {
    let directory: String
    let marginBytes: Int64
  }

  private let isSpool: Bool
  private let stores: [FleecingStore]
  private let places: [Place]

  /// - Parameter isSpool: The room the stores need is known, and taken already where that can be.
  init(_ stores: [FleecingStore], isSpool: Bool = false) {
    self.isSpool = isSpool
    self.stores = stores
    places = Set(stores.map(\.directory)).map { directory in
      let room = Self.room(directory, stores)
      let wanted = stores.filter { $0.directory == directory }.reduce(0) { $0 + $1.wantedBytes }
      let spare = isSpool ? max(2 * Self.spoolMarginMin, room - wanted) : room
      return Place(directory: directory, marginBytes: min(StoreChoice.marginBytes, spare / 2))
    }
  }

  /// A spool is broken before its last bytes are used, even where it has no more than it needs.
  private static let spoolMarginMin: Int64 = 1 << 20

  /// Whether every store of a spool there has more of its own than it can use before the next look:
  /// what others do with the rest is nothing to it.
  private func isProvided(_ directory: String) -> Bool {
    isSpool
      && stores.filter { $0.directory == directory }
        .allSatisfy { $0.reservedBytes - $0.fileBytes >= Self.spoolMarginMin }
  }

  /// What a look at the places finds.
  enum Finding {
    case ample
    /// A guest could fill a place before a look that is not soon.
    case tight
    /// A directory is about to be full, with the bytes it has left.
    case short(directory: String, freeBytes: Int64)
  }

  func look() -> Finding {
    var finding = Finding.ample
    for place in places {
      let room = Self.room(place.directory, stores)
      if room < place.marginBytes && !isProvided(place.directory) {
        return .short(directory: place.directory, freeBytes: room)
      }
      if room < Self.ampleBytes { finding = .tight }
    }
    return finding
  }

  /// More than a guest writes between two looks that are not soon.
  private static let ampleBytes: Int64 = 1 << 30

  /// What is free, and what is reserved and not yet used.
  private static func room(_ directory: String, _ stores: [FleecingStore]) -> Int64 {
    let free = (try? FleecingStore.freeBytes(directory)) ?? 0
    return stores.filter { $0.directory == directory }.reduce(free) { sum, store in
      return sum + max(0, store.reservedBytes - store.fileBytes)
    }
  }
}
