import ArchiveBytes
import ArchiveFiles
import DiskFormats
import OVFFormat
import Glibc
import TarFormat
import WriterKit

/// Writes an appliance from its start to its end: descriptor, configurations, disks and the state
/// of a running machine, receipt, manifest.
///
/// Configurations come first and are kept, for the descriptor holds them; it leaves when the first
/// other stream opens. In a file the header of a deflated disk gets its size when that is known,
/// the only time that the writer goes back.
final class OVAWriter: ArchiveWriter {
  private let job: Job
  private let host: Host
  private let options: OVAOptions
  private let names: OVANames
  private let contents: OVAContents
  private let target: PlainOutput
  private let output: MemberOutput
  private let isPipe: Bool
  private let modified: Int64

  private var disks: [UInt32: OVADisk] = [:]
  private var configs: [UInt32: [UInt8]] = [:]
  private var digests: [UInt32: Digest] = [:]
  private var manifest: [UInt8] = []
  private var isBegun = false
  private let members: GrainMembers
  private var line: GrainLine?

  private var stream: StreamDescription?
  private var config: [UInt8] = []
  /// Of the open disk, or the last one.
  private var disk: OVADisk?
  private var walk = ClusterWalk(ClusterRuns())
  private var headerStart: UInt64 = 0
  private let ends = DiskEnds()

  init(job: Job, output: Output, host: Host) throws(PluginError) {
    options = OVAOptions(host.options)
    try OVAJobCheck(job: job, output: output, options: options).run()
    self.job = job
    self.host = host
    isPipe = output.kind == .pipe
    names = OVANames(
      machine: job.vm.name.isEmpty ? job.machine?.name ?? "" : job.vm.name, streams: job.streams,
      diskFormat: options.diskFormat.rawValue)
    contents = OVAContents(
      job: job, names: names, diskFormat: options.diskFormat, tools: host.programs)
    // For what it cannot describe.
    _ = try contents.descriptor(configs: [:], disks: [:])
    target = PlainOutput(output)
    self.output = MemberOutput(target)
    members = GrainMembers(self.output)
    modified = job.instant?.secondsSince1970 ?? Int64(time(nil))
  }

  /// Of VMDK's grains.
  private var level: Int { isPipe ? 0 : options.level ?? 1 }
  private var isExact: Bool { isPipe || options.diskFormat == .qcow2 }

  func map(_ stream: StreamDescription, _ extents: [Extent]) throws(PluginError) {
    var runs = ClusterRuns()
    for extent in extents where extent.kind == .data {
      runs.append(bytes: extent.offset..<(extent.offset + extent.length))
    }
    disks[stream.id] = try disk(stream, runs)
  }

  func open(_ stream: StreamDescription) throws(PluginError) {
    self.stream = stream
    guard stream.kind != .config else {
      guard !isBegun else { throw PluginError(.protocol, "a configuration after a disk") }
      config = []
      return
    }
    try begin()
    guard stream.kind == .disk else {
      _ = try output.begin(try header(names.member(stream), stream.size ?? 0))
      return
    }
    let disk = try self.disk(of: stream)
    self.disk = disk
    walk = ClusterWalk(disk.runs)
    headerStart = try output.begin(try header(disk.name, disk.byteCount ?? 0))
    try startLine()
    members.begin(try disk.start(output))
  }

  func data(_ data: borrowing StreamData) throws(PluginError) {
    guard stream?.kind != .config else { return addToConfig(data) }
    guard stream?.kind == .disk else { return try output.write(data.bytes) }
    guard let line else { return }
    let lease = data.keep()
    guard let base = unsafe start(of: lease) else { return }
    line.beginFrame()
    if try unsafe addGrains(of: data, at: base, line) { line.keep(lease) }
    try line.finishFrame()
  }

  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {
    guard stream?.kind != .config else {
      config.append(contentsOf: repeatElement(0, count: range.count))
      return
    }
    guard stream?.kind == .disk else { return try output.writeZeros(UInt64(range.count)) }
    guard let line, disk?.byteCount != nil else { return }
    // What the map calls data has its place in the member, zeros or not.
    let end = (range.upperBound + QCOW2Layout.clusterBytes - 1) / QCOW2Layout.clusterBytes
    while let cluster = walk.next(before: end) {
      try unsafe line.addLasting(ends.zeros, number: cluster)
    }
  }

  func close(length: UInt64, digest: Digest) throws(PluginError) {
    guard let stream else { return }
    self.stream = nil
    digests[stream.id] = digest
    switch stream.kind {
    case .config: configs[stream.id] = config
    case .disk: try closeDisk(stream)
    case .vmstate: try closeMember(stream, byteCount: length)
    }
  }

  func finish() throws(PluginError) -> Finished {
    try begin()
    line?.stop()
    try add(OVANames.receipt, contents.receipt(digests))
    try add(names.manifest, manifest)
    return Finished(archiveBytes: try output.finish())
  }

  func abort() {
    line?.stop()
    output.stop()
    target.abort()
  }

  // MARK: Members

  /// Before the first disk: descriptor and configurations.
  private func begin() throws(PluginError) {
    guard !isBegun else { return }
    isBegun = true
    if !isPipe && !target.goDirect() {
      host.log(.debug, "the archive is written through the page cache: no O_DIRECT here")
    }
    if isPipe && options.diskFormat == .vmdk {
      host.log(.debug, "disks are stored uncompressed: output to a pipe")
    }
    try output.start()
    for stream in job.streams where stream.kind == .disk { _ = try disk(of: stream) }
    try add(names.descriptor, try contents.descriptor(configs: configs, disks: disks))
    for stream in job.streams where stream.kind == .config {
      try add(names.member(stream), configs[stream.id] ?? [])
    }
    configs = [:]
  }

  /// Ends the member of a stream.
  ///
  /// - Parameter byteCount: What its header says; `nil` if it does not say it yet.
  /// - Returns: Bytes of the member.
  @discardableResult
  private func closeMember(
    _ stream: StreamDescription, byteCount: UInt64?
  ) throws(PluginError) -> UInt64 {
    let bytes = output.memberBytes
    note(try output.finishMember(), names.member(stream))
    guard byteCount == nil || bytes == byteCount else {
      throw PluginError(
        .internal, "\"\(stream.name)\" has \(bytes) bytes instead of \(byteCount ?? 0)")
    }
    return bytes
  }

  private func add(_ name: String, _ bytes: [UInt8]) throws(PluginError) {
    note(try output.member(try header(name, UInt64(bytes.count)), bytes), name)
  }

  private func note(_ hash: [UInt8], _ name: String) {
    manifest += OVFManifest.line(name, sha256: hash)
  }

  private func header(_ name: String, _ byteCount: UInt64) throws(PluginError) -> [UInt8] {
    try plugin { () throws(ArchiveError) in
      try TarHeader(name: name, byteCount: byteCount, modified: modified).encoded()
    }
  }

  // MARK: Disks

  /// A disk without a map is full.
  private func disk(of stream: StreamDescription) throws(PluginError) -> OVADisk {
    if let disk = disks[stream.id] { return disk }
    var runs = ClusterRuns()
    runs.append(bytes: 0..<(stream.size ?? 0))
    let disk = try disk(stream, runs)
    disks[stream.id] = disk
    return disk
  }

  private func disk(
    _ stream: StreamDescription, _ runs: ClusterRuns
  ) throws(PluginError) -> OVADisk {
    try OVADisk(
      stream, name: names.member(stream), runs: runs, options.diskFormat, isExact: isExact,
      isStored: level == 0)
  }

  private func closeDisk(_ stream: StreamDescription) throws(PluginError) {
    guard let disk, let line else { return }
    try line.drain()
    try output.write(members.finish())
    let bytes = try closeMember(stream, byteCount: disk.byteCount)
    guard disk.byteCount == nil else { return }
    try target.patch(try header(disk.name, bytes), at: headerStart)
  }

  private func startLine() throws(PluginError) {
    guard line == nil else { return }
    let shape = MemberEncoder.shape(
      level: options.diskFormat == .vmdk ? level : nil, dropsZeros: !isExact)
    line = try GrainLine(shape, framesMax: host.leasesMax, target: members)
  }

  /// Safe because: the batches keep the lease until its grains are encoded.
  private func start(of lease: borrowing Lease) -> UnsafeRawPointer? {
    unsafe lease.bytes.withUnsafeBytes { $0.baseAddress }
  }

  /// - Returns: Whether a grain needs the frame's lease.
  private func addGrains(
    of data: borrowing StreamData, at base: UnsafeRawPointer, _ line: GrainLine
  ) throws(PluginError) -> Bool {
    var isNeeded = false
    for place in 0..<data.clusterCount {
      let offset = place << 16
      let number = data.offset >> 16 + UInt64(place)
      if disk?.byteCount == nil {
        if data.mask(place).isEmpty { continue }
      } else if walk.next(before: number + 1) != number {
        // The threads look at the frame's first grains.
        line.stop()
        throw PluginError(.protocol, "data at \(number << 16) where the map has a hole")
      }
      if data.count - offset < VMDKLayout.grainBytes {
        let rest = unsafe UnsafeRawBufferPointer(start: base + offset, count: data.count - offset)
        try unsafe line.addLasting(ends.padded(rest), number: number)
      } else {
        try unsafe line.add(base + offset, number: number)
        isNeeded = true
      }
    }
    return isNeeded
  }

  private func addToConfig(_ data: borrowing StreamData) {
    unsafe data.bytes.withUnsafeBytes { bytes in unsafe config.append(contentsOf: bytes) }
  }
}
