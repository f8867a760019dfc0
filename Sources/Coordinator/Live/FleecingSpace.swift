internal import QEMUControl

/// Watches the free space for all fleecing images of a job.
struct FleecingSpace: Sendable {
  /// The fleecing images in one directory.
  private struct Place: Sendable {
    let directory: FleecingDirectory
    let images: [FleecingImage]
    let marginBytes: Int64

    /// Free bytes, including reserved ones that are not yet used.
    static func room(_ directory: FleecingDirectory, _ images: [FleecingImage]) -> Int64 {
      images.reduce((try? directory.freeBytes()) ?? 0) { sum, image in
        sum + max(0, image.reservedBytes - image.fileBytes)
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
  init(_ images: [FleecingImage], isSpool: Bool = false) {
    self.isSpool = isSpool
    places = Dictionary(grouping: images, by: \.directory.path).values.map { images in
      let room = Place.room(images[0].directory, images)
      let wanted = images.reduce(0) { $0 + $1.wantedBytes }
      let spare = isSpool ? max(2 * Self.spoolMarginMin, room - wanted) : room
      return Place(
        directory: images[0].directory, images: images,
        marginBytes: min(FleecingChoice.marginBytes, spare / 2))
    }
  }

  /// Whether every image of a spool there has more reserved than it can use before the next check,
  /// so that other users of the filesystem do not matter.
  private func isProvided(_ place: Place) -> Bool {
    isSpool
      && place.images.allSatisfy { $0.reservedBytes - $0.fileBytes >= Self.spoolMarginMin }
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
      let room = Place.room(place.directory, place.images)
      if room < place.marginBytes && !isProvided(place) {
        return .short(directory: place.directory.path, freeBytes: room)
      }
      if room < Self.ampleBytes { finding = .tight }
    }
    return finding
  }
}
