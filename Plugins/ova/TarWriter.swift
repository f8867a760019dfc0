import ArchiveBytes
import ArchiveFiles
import Glibc
import RawFormat
import TarFormat
import WriterKit

/// Writes a tar archive from its start to its end and never goes back: every size is known from
/// the maps before the first byte, so a pipe does as well as a file.
///
/// What is extracted is a directory of the format `raw`: disks, configurations, receipt, checksums.
final class TarWriter: ArchiveWriter {
  private let job: Job
  private let host: Host
  private let options: TarOptions
  private let target: PlainOutput
  private let output: BlockOutput
  private let modified: Int64
  private var maps: [UInt32: SparseMap] = [:]
  private var isBegun = false
  private var stored: [StoredStream] = []

  private var stream: StreamDescription?
  private var map = SparseMap(byteCount: 0)
  /// The first extent that ends after what has come.
  private var extentIndex = 0
  private var hash = SHA256()
  private var isHashed = false
  /// Where the bytes of the open stream begin in the archive.
  private var streamStart: UInt64 = 0

  init(job: Job, output: Output, host: Host) throws(PluginError) {
    options = try TarOptions(host.options)
    try checkTarJob(job)
    self.job = job
    self.host = host
    target = PlainOutput(output)
    self.output = BlockOutput(try options.compression.output(to: target))
    modified = job.instant?.secondsSince1970 ?? Int64(time(nil))
  }

  func map(_ stream: StreamDescription, _ extents: [Extent]) throws(PluginError) {
    var map = SparseMap(byteCount: stream.size ?? 0)
    for extent in extents where extent.kind == .data {
      try plugin { () throws(ArchiveError) in try map.append(extent.offset, extent.length) }
    }
    maps[stream.id] = map
  }

  func open(_ stream: StreamDescription) throws(PluginError) {
    try begin()
    let header = header(of: stream)
    try output.write(header.bytes)
    self.stream = stream
    map = allocation(of: stream)
    extentIndex = 0
    isHashed = stream.kind == .config || options.listsDisks
    streamStart = output.position
  }

  func data(_ data: borrowing StreamData) throws(PluginError) {
    try checkIsData(data.offset..<(data.offset + UInt64(data.count)))
    if isHashed { hash.update(data.bytes) }
    try output.write(data.bytes, isShared: data.isShared)
  }

  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {
    if isHashed { hash.updateZeros(range.upperBound - range.lowerBound) }
    // What the map calls data has its place in the archive, zeros or not.
    var index = extentIndex
    while index < map.extents.count, map.extents[index].lowerBound < range.upperBound {
      let part = map.extents[index].clamped(to: range)
      try output.writeZeros(part.upperBound - part.lowerBound)
      index += 1
    }
    advance(to: range.upperBound)
  }

  func close(length: UInt64, digest: Digest) throws(PluginError) {
    guard let stream else { return }
    self.stream = nil
    let bytes = output.position - streamStart
    guard bytes == map.dataBytes, length == map.byteCount else {
      throw PluginError(
        .internal, "\"\(stream.name)\" has \(bytes) bytes instead of \(map.dataBytes)")
    }
    try output.pad()
    stored.append(
      StoredStream(
        stream: stream, length: length, storedBytes: bytes, digest: digest,
        sha256: isHashed ? hash.finish() : nil))
  }

  func finish() throws(PluginError) -> Finished {
    try begin()
    let manifest = manifestText(job, stored, tools: host.programs)
    try write(manifest, as: Layout.manifest)
    var sums = Checksums()
    for stream in stored {
      if let digest = stream.sha256 { sums.add(digest, file: stream.file) }
    }
    var hash = SHA256()
    hash.update(manifest)
    sums.add(hash.finish(), file: Layout.manifest)
    try write(sums.text, as: Layout.checksums)
    try output.write(TarBlock.end)
    return Finished(archiveBytes: try output.finish())
  }

  func abort() { output.abort() }

  /// Before the first member: what will be in the archive, for readers that cannot look ahead.
  private func begin() throws(PluginError) {
    guard !isBegun else { return }
    isBegun = true
    if options.compression == .none && host.usesSharedMemory && !target.goDirect() {
      host.log(.debug, "the archive is written through the page cache: no O_DIRECT here")
    }
    let announced = job.streams.map {
      StoredStream(
        stream: $0, length: $0.size ?? 0, storedBytes: allocation(of: $0).dataBytes, digest: .none,
        sha256: nil)
    }
    let contents = Contents(job, announced, tools: host.programs)
    try output.write(SparseHeader.comment(contents.comment, modified: modified))
  }

  private func allocation(of stream: StreamDescription) -> SparseMap {
    maps[stream.id] ?? SparseMap(full: stream.size ?? 0)
  }

  private func header(of stream: StreamDescription) -> SparseHeader {
    SparseHeader(
      name: Layout.raw.fileName(stream), map: allocation(of: stream), modified: modified)
  }

  /// Writes a small file of our own.
  private func write(_ text: [UInt8], as name: String) throws(PluginError) {
    let map = SparseMap(full: UInt64(text.count))
    try output.write(SparseHeader(name: name, map: map, modified: modified).bytes)
    try output.write(text)
    try output.pad()
  }

  /// Data where the map has none would shift everything after it.
  private func checkIsData(_ range: Range<UInt64>) throws(PluginError) {
    guard extentIndex < map.extents.count, map.extents[extentIndex].contains(range.lowerBound),
      range.upperBound <= map.extents[extentIndex].upperBound
    else {
      throw PluginError(.protocol, "data at \(range.lowerBound) where the map has a hole")
    }
    advance(to: range.upperBound)
  }

  private func advance(to position: UInt64) {
    while extentIndex < map.extents.count, map.extents[extentIndex].upperBound <= position {
      extentIndex += 1
    }
  }
}
