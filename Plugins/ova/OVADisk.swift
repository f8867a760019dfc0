import ArchiveBytes
import ArchiveFiles
import DiskFormats
import WriterKit

/// How one disk becomes a member.
struct OVADisk {
  let stream: StreamDescription
  /// Of the member.
  let name: String
  /// Clusters that the map calls data.
  let runs: ClusterRuns
  /// Bytes of the member, if they are known before the data: then all clusters of ``runs`` are in
  /// it, and zeros among them too.
  let byteCount: UInt64?
  private let diskFormat: OVAOptions.DiskFormat

  /// - Parameters:
  ///   - isExact: The size must be known before.
  ///   - isStored: Nothing is deflated.
  /// - Throws: E_TOO_LARGE, E_UNSUPPORTED.
  init(
    _ stream: StreamDescription, name: String, runs: ClusterRuns,
    _ diskFormat: OVAOptions.DiskFormat,
    isExact: Bool, isStored: Bool
  ) throws(PluginError) {
    self.stream = stream
    self.name = name
    self.runs = runs
    self.diskFormat = diskFormat
    let capacity = stream.size ?? 0
    do throws(PluginError) {
      byteCount = try plugin { () throws(ArchiveError) -> UInt64? in
        if diskFormat == .qcow2 {
          return try QCOW2Layout(capacityBytes: capacity, runs: runs).byteCount
        }
        guard isStored else { return nil }
        // Of a file too: better now than after hours.
        let bytes = try VMDKLayout.storedBytes(capacityBytes: capacity, grains: runs)
        return isExact ? bytes : nil
      }
    } catch { throw PluginError(error.code, "\"\(stream.name)\": \(error.message)") }
  }

  /// Bytes that hold data.
  var dataBytes: UInt64 { min(stream.size ?? 0, runs.count * QCOW2Layout.clusterBytes) }

  /// Writes what comes before the grains.
  func start(_ output: MemberOutput) throws(PluginError) -> GrainBook {
    let capacity = stream.size ?? 0
    guard diskFormat == .vmdk else {
      let layout = try plugin { () throws(ArchiveError) in
        try QCOW2Layout(capacityBytes: capacity, runs: runs)
      }
      try layout.metadata { (bytes) throws(PluginError) in try output.write(bytes) }
      return GrainBook()
    }
    // The largest numbers mean that there is no parent.
    let contentID = UInt32.random(in: 1...0x7FFF_FFFF)
    let encoder = try plugin { () throws(ArchiveError) in
      try VMDKEncoder(name: name, capacityBytes: capacity, contentID: contentID)
    }
    var book = GrainBook(encoder)
    try output.write(book.start())
    return book
  }
}

/// A walk through the clusters that were announced.
struct ClusterWalk {
  private let ranges: [Range<UInt64>]
  private var place = 0
  private var next: UInt64

  init(_ runs: ClusterRuns) {
    ranges = runs.ranges
    next = ranges.first?.lowerBound ?? 0
  }

  /// The next cluster before `end`, which is behind us then.
  mutating func next(before end: UInt64) -> UInt64? {
    guard place < ranges.count, next < end else { return nil }
    let cluster = next
    next += 1
    if next == ranges[place].upperBound {
      place += 1
      if place < ranges.count { next = ranges[place].lowerBound }
    }
    return cluster
  }

  /// Whether all are behind us.
  var isAtEnd: Bool { place == ranges.count }
}
