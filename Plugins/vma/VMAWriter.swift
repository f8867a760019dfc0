import ArchiveFiles
import Glibc
import VMAFormat
import WriterKit

/// Writes the archive from its start to its end and never goes back.
///
/// Configurations come first and are kept, for the header holds them; it leaves when the first
/// device opens: a disk, or the state of a running machine. Blocks go from the host's memory to the
/// target without being copied.
final class VMAWriter: ArchiveWriter {
  private let job: Job
  private let host: Host
  private let options: Options
  private let target: PlainOutput
  private let output: any ArchiveOutput
  private let batch: ExtentBatch
  private let identifier = ArchiveIdentifier.random()
  private var shelf: LeaseShelf

  private var configs: [(name: String, content: [UInt8])] = []
  private var isHeaderWritten = false
  private var stream: StreamDescription?
  private var config: [UInt8] = []
  /// The open one, or the last one; 0 before the first.
  private var device: UInt8 = 0
  /// Whether the batch has blocks of the frame that is being taken.
  private var isFrameLent = false

  init(job: Job, output: Output, host: Host) throws(PluginError) {
    options = try Options(host.options)
    try JobCheck(job, options).run()
    self.job = job
    self.host = host
    target = PlainOutput(output)
    self.output = try options.compression.output(to: target)
    batch = ExtentBatch(identifier, output: self.output)
    shelf = LeaseShelf(most: host.leasesMax)
  }

  func open(_ stream: StreamDescription) throws(PluginError) {
    self.stream = stream
    guard stream.kind != .config else {
      config = []
      return
    }
    try writeHeader()
    device += 1
  }

  func data(_ data: borrowing StreamData) throws(PluginError) {
    guard let stream, stream.kind != .config else { return addToConfig(data) }
    let size = stream.size ?? 0
    isFrameLent = false
    for place in 0..<data.clusterCount {
      let start = data.offset + UInt64(place * Layout.clusterBytes)
      let count = Int(min(UInt64(Layout.clusterBytes), size - start))
      try add(place, data, start: start, count: count)
    }
    if isFrameLent { shelf.keep(data.keep()) } else { shelf.passOver() }
    if shelf.isDue { try send() }
  }

  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {
    let cluster = UInt64(Layout.clusterBytes)
    guard let stream, stream.kind != .config else {
      config.append(contentsOf: repeatElement(0, count: range.count))
      return
    }
    let mask: BlockMask = stream.kind == .vmstate ? .all : []
    for number in (range.lowerBound / cluster)..<((range.upperBound + cluster - 1) / cluster) {
      batch.add(ExtentSlot(device: device, cluster: UInt32(number), mask: mask))
      if !mask.isEmpty { batch.addZeros(Layout.clusterBytes) }
      if batch.isFull { try close() }
    }
  }

  func close(length: UInt64, digest: Digest) throws(PluginError) {
    guard let stream else { return }
    self.stream = nil
    guard stream.kind != .config else {
      if options.isForProxmox && stream.name == ProxmoxConfiguration.name {
        config = try ProxmoxConfiguration(job.streams).completed(config)
      }
      configs.append((stream.name, config))
      return
    }
    // Leases end with their stream.
    if batch.isLent { try send() }
  }

  func finish() throws(PluginError) -> Finished {
    try writeHeader()
    // Readers want an extent, even where there is nothing to put into it.
    if device == 0 { batch.addEmptyExtent() }
    try send()
    return Finished(archiveBytes: try output.finish())
  }

  func abort() {
    shelf.releaseAll()
    output.abort()
  }

  /// Adds one cluster of a frame to the extent.
  private func add(
    _ place: Int, _ data: borrowing StreamData, start: UInt64, count: Int
  ) throws(PluginError) {
    let isState = stream?.kind == .vmstate
    let mask = isState ? .all : data.mask(place).intersection(BlockMask(covering: count))
    batch.add(
      ExtentSlot(
        device: device, cluster: UInt32(start / UInt64(Layout.clusterBytes)), mask: mask))
    for run in mask.runs {
      let from = place * Layout.clusterBytes + run.lowerBound
      // The last block of a disk may be short.
      let wanted = run.clamped(to: 0..<count).count
      addBlocks(data.bytes.extracting(from..<(from + wanted)), isShared: data.isShared)
    }
    // The genuine reader wants whole clusters of it.
    if isState { batch.addZeros((Layout.clusterBytes - count) & ~(Layout.blockBytes - 1)) }
    if batch.isFull { try close() }
  }

  /// Adds a run of blocks; the last one of a disk may be short.
  private func addBlocks(_ bytes: RawSpan, isShared: Bool) {
    // Safe because: the frame is kept until its blocks are written, and copies are made at once.
    unsafe bytes.withUnsafeBytes { buffer in
      let whole = isShared ? buffer.count & ~(Layout.blockBytes - 1) : 0
      if whole > 0 {
        unsafe batch.addLent(UnsafeRawBufferPointer(rebasing: buffer[..<whole]))
        isFrameLent = true
      }
      if whole < buffer.count {
        unsafe batch.addCopy(UnsafeRawBufferPointer(rebasing: buffer[whole...]))
      }
    }
  }

  private func close() throws(PluginError) {
    try batch.closeExtent()
    guard !batch.isLent else { return }
    shelf.releaseAll()
    isFrameLent = false
  }

  private func send() throws(PluginError) {
    try batch.write()
    shelf.releaseAll()
  }

  private func addToConfig(_ data: borrowing StreamData) {
    let start = config.count
    config.append(contentsOf: repeatElement(0, count: data.count))
    var end = 0
    while let run = data.nextRun(from: end) {
      let bytes = data.bytes.extracting(run)
      unsafe config.withUnsafeMutableBytes { target in
        unsafe bytes.withUnsafeBytes { source in
          unsafe UnsafeMutableRawBufferPointer(rebasing: target[(start + run.lowerBound)...])
            .copyMemory(from: source)
        }
      }
      end = run.upperBound
    }
  }

  private func writeHeader() throws(PluginError) {
    guard !isHeaderWritten else { return }
    isHeaderWritten = true
    let created = job.instant?.secondsSince1970 ?? Int64(time(nil))
    var header = HeaderBuilder(identifier: identifier, created: created)
    for config in configs { header.addConfig(name: config.name, content: config.content) }
    for stream in job.streams where stream.kind != .config {
      header.addDevice(name: stream.name, size: stream.size ?? 0)
    }
    try output.write(header.finish())
    configs = []
    if options.compression == .none && host.usesSharedMemory && !target.goDirect() {
      host.log(.debug, "the archive is written through the page cache: no O_DIRECT here")
    }
  }
}
