internal import BackupProtocol

/// Where the clusters of a part of a device are, as far as they were found.
struct LoadedPart {
  /// A cluster's blocks, one behind the other.
  struct Place {
    let offset: UInt64
    let mask: BlockMask
  }

  let device: UInt8
  let number: UInt64
  /// Of the index, when it was loaded.
  let version: UInt32
  /// Clusters that an extent has and another one, too.
  private(set) var twice: Set<UInt64> = []
  private var places = [Place?](repeating: nil, count: Int(ExtentIndex.partClusters))

  init(device: UInt8, number: UInt64, version: UInt32) {
    (self.device, self.number, self.version) = (device, number, version)
  }

  private var clusters: Range<UInt64> {
    number * ExtentIndex.partClusters..<(number + 1) * ExtentIndex.partClusters
  }

  /// - Parameter cluster: Of any part.
  subscript(cluster: UInt64) -> Place? {
    clusters.contains(cluster) ? places[Int(cluster - clusters.lowerBound)] : nil
  }

  /// Takes a slot, if it is of this part.
  ///
  /// - Parameter offset: Where its blocks begin.
  mutating func add(_ slot: ExtentSlot, at offset: UInt64) {
    let cluster = UInt64(slot.cluster)
    guard slot.device == device, clusters.contains(cluster) else { return }
    let index = Int(cluster - clusters.lowerBound)
    if places[index] != nil { twice.insert(cluster) }
    places[index] = Place(offset: offset, mask: slot.mask)
  }

  /// Clusters that come next and have data, or have none; those of this part.
  func run(
    from first: UInt64, before end: UInt64, atMost bytes: Int
  ) -> (count: Int, hasData: Bool) {
    let hasData = !(self[first]?.mask.isEmpty ?? true)
    let most = hasData ? bytes / Layout.clusterBytes : .max
    var count = 1
    while count < most {
      let cluster = first + UInt64(count)
      guard cluster < min(end, clusters.upperBound),
        !(self[cluster]?.mask.isEmpty ?? true) == hasData
      else { break }
      count += 1
    }
    return (count, hasData)
  }
}

/// What has to be read for some clusters: blocks that lie side by side, here and there, are one
/// read.
struct BlockReads {
  /// Bytes of the clusters, and where they are in the archive.
  private(set) var reads: [(start: Int, count: Int, offset: UInt64)] = []

  /// Adds the stored blocks of a cluster.
  ///
  /// - Parameters:
  ///   - start: Where the cluster begins.
  ///   - byteCount: Bytes of it that belong to the device; what may be stored behind is not read.
  mutating func add(_ place: LoadedPart.Place, at start: Int, byteCount: Int) {
    var offset = place.offset
    for run in place.mask.runs {
      let count = run.clamped(to: 0..<byteCount).count
      if count > 0 { add(start + run.lowerBound, count, offset) }
      offset += UInt64(run.count)
    }
  }

  private mutating func add(_ start: Int, _ count: Int, _ offset: UInt64) {
    if let last = reads.last, last.start + last.count == start,
      last.offset + UInt64(last.count) == offset
    {
      reads[reads.count - 1].count += count
    } else {
      reads.append((start, count, offset))
    }
  }
}
