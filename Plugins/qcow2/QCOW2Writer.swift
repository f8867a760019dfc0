import ArchiveBytes
import ArchiveFiles
import CLinux
import DiskFormats
import RawFormat
import WriterKit

/// Writes the directory. One file is open at a time.
final class QCOW2Writer: ArchiveWriter {
  private let job: Job
  private let host: Host
  private let options: Options
  private let directory: Int32
  /// Names made so far, in order: to be removed if the job comes to nothing.
  private var created: [String] = []
  private var stored: [StoredStream] = []
  private var artefacts: [Finished.Artefact] = []

  private var stream: StreamDescription?
  /// Of a disk.
  private var image: DiskImage?
  private var line: GrainLine?
  private let ends = DiskEnds()
  /// Of everything else.
  private var file: OutputFile?

  init(job: Job, output: Output, host: Host) throws(PluginError) {
    options = Options(host.options)
    try checkJob(job)
    self.job = job
    self.host = host
    directory = output.descriptor
  }

  func open(_ stream: StreamDescription) throws(PluginError) {
    self.stream = stream
    var file = try create(Layout.qcow2.fileName(stream))
    if stream.kind != .config, try !file.goDirect(.auto) {
      host.log(.debug, "\(file.name) is written through the page cache: no O_DIRECT here")
    }
    guard stream.kind == .disk else {
      if let size = stream.size { try file.setLength(size) }
      self.file = consume file
      return
    }
    let backing = try backing(of: stream, job)
    let encoder = try plugin { () throws(ArchiveError) in
      try QCOW2Encoder(
        capacityBytes: stream.size ?? 0, backing: backing, isZstd: options.method == .zstd)
    }
    let image = DiskImage(encoder, OutputImage(file))
    self.image = image
    if let method = options.method {
      line = try GrainLine(
        ClusterEncoder.shape(method), framesMax: host.leasesMax, target: image)
    }
  }

  func data(_ data: borrowing StreamData) throws(PluginError) {
    guard let image else { return try write(data) }
    guard let line else { return try image.add(data) }
    let lease = data.keep()
    line.beginFrame()
    if try addClusters(of: data, lease, line, image) { line.keep(lease) }
    try line.finishFrame()
  }

  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {
    // In a file that is no image nothing need be said: its length is set.
    guard let image, kind != .unchanged else { return }
    let end = (range.upperBound + Cluster.bytes - 1) / Cluster.bytes
    let clusters = (range.lowerBound / Cluster.bytes)..<end
    guard let line, !line.isIdle else { return try image.addZeros(clusters) }
    image.addZerosLater(clusters)
    if image.isCrowded { try line.drain() }
  }

  func close(length: UInt64, digest: Digest) throws(PluginError) {
    guard let stream else { return }
    self.stream = nil
    let end = try image == nil ? closeFile(length) : closeImage()
    let entry = StoredStream(
      stream: stream, in: .qcow2, length: length, storedBytes: end.stored, digest: digest)
    stored.append(entry)
    artefacts.append(Finished.Artefact(name: entry.file, size: end.bytes))
  }

  func finish() throws(PluginError) -> Finished {
    let manifest = manifestText(job, stored, tools: host.programs)
    var file = try create(Layout.manifest)
    unsafe try file.write(manifest.span.bytes, at: 0)
    let bytes = try stored.reduce(file.sync()) { $0 + $1.storedBytes }
    artefacts.append(
      Finished.Artefact(name: Layout.manifest, size: UInt64(manifest.count)))
    let result = clinux_fsync(directory)
    if result < 0 { throw PluginError("syncing the directory", errno: -result) }
    return Finished(artefacts: artefacts, storedBytes: bytes)
  }

  func abort() {
    line?.stop()
    line = nil
    image = nil
    file = nil
    for name in created.reversed() { unsafe _ = clinux_unlinkat(directory, name, 0) }
    created = []
  }

  // MARK: Disks

  /// - Returns: Whether a cluster needs the frame's lease.
  private func addClusters(
    of data: borrowing StreamData, _ lease: borrowing Lease, _ line: GrainLine, _ image: DiskImage
  ) throws(PluginError) -> Bool {
    // Safe because: the batches keep the lease until its clusters are written.
    guard let base = unsafe lease.bytes.withUnsafeBytes({ $0.baseAddress }) else {
      return false
    }
    var isNeeded = false
    for place in 0..<data.clusterCount {
      let offset = place << 16
      let number = data.offset >> 16 + UInt64(place)
      if data.mask(place).isEmpty {
        try zero((number << 16)..<((number + 1) << 16), .zero)
      } else if data.count - offset < Int(Cluster.bytes) {
        let rest = unsafe UnsafeRawBufferPointer(start: base + offset, count: data.count - offset)
        try unsafe line.addLasting(ends.padded(rest), number: number)
      } else {
        try unsafe line.add(base + offset, number: number)
        isNeeded = true
      }
    }
    return isNeeded
  }

  private func closeImage() throws(PluginError) -> (bytes: UInt64, stored: UInt64) {
    try line?.drain()
    line?.stop()
    line = nil
    defer { image = nil }
    return try image?.finish() ?? (0, 0)
  }

  // MARK: Files

  private func write(_ data: borrowing StreamData) throws(PluginError) {
    var end = 0
    while let run = data.nextRun(from: end) {
      try file?.write(data.bytes.extracting(run), at: data.offset + UInt64(run.lowerBound))
      end = run.upperBound
    }
  }

  private func closeFile(_ length: UInt64) throws(PluginError) -> (bytes: UInt64, stored: UInt64) {
    guard let file = file.take() else { return (0, 0) }
    try file.setLength(length)
    return (length, try file.sync())
  }

  private func create(_ name: String) throws(PluginError) -> OutputFile {
    let file = try OutputFile(creating: name, in: directory)
    created.append(name)
    return file
  }
}
