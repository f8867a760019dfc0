internal import QEMUControl

/// Watches the free space for all fleecing images of a job.
struct StoreRoom: Sendable {
  /// The fleecing images in one directory.
  private struct Place: Sendable {
    let directory: FleecingDirectory
    let stores: [FleecingStore]
    let marginBytes: Int64

    /// Free bytes, including reserved ones that are not yet used.
    static func room(_ directory: FleecingDirectory, _ stores: [FleecingStore]) -> Int64 {
      stores.reduce((try? directory.freeBytes()) ?? 0) { sum, store in
        sum + max(0, store.reservedBytes - store.fileBytes)
      }
    }
  }

  /// More than a guest writes between two checks at the usual interval.
  private static let ampleBytes: Int64 = 1 << 30
  /// A spool is aborted before its last bytes are used, even where it has no more than it needs.
  private static let spoolMarginMin: Int64 = 1 << 20

  private let isSpool: Bool
  private let places: [Place]

  /// - Parameter isSpool: The space needed is known, and already allocated where possible.
  init(_ stores: [FleecingStore], isSpool: Bool = false) {
    self.isSpool = isSpool
    places = Dictionary(grouping: stores, by: \.directory.path).values.map { stores in
      let room = Place.room(stores[0].directory, stores)
      let wanted = stores.reduce(0) { $0 + $1.wantedBytes }
      let spare = isSpool ? max(2 * Self.spoolMarginMin, room - wanted) : room
      return Place(
        directory: stores[0].directory, stores: stores,
        marginBytes: min(StoreChoice.marginBytes, spare / 2))
    }
  }

  /// Whether every image of a spool there has more reserved than it can use before the next check,
  /// so that other users of the filesystem do not matter.
  private func isProvided(_ place: Place) -> Bool {
    isSpool
      && place.stores.allSatisfy { $0.reservedBytes - $0.fileBytes >= Self.spoolMarginMin }
  }

  /// The result of a check.
  enum Finding {
    case ample
    /// A guest could fill a directory within the usual interval.
    case tight
    /// A directory is nearly full, with the bytes it has left.
    case short(directory: String, freeBytes: Int64)
  }

  func look() -> Finding {
    var finding = Finding.ample
    for place in places {
      let room = Place.room(place.directory, place.stores)
      if room < place.marginBytes && !isProvided(place) {
        return .short(directory: place.directory.path, freeBytes: room)
      }
      if room < Self.ampleBytes { finding = .tight }
    }
    return finding
  }
}
