import CLinux
import RawFormat
import System
import WriterKit

/// Writes the directory. One file is open at a time, written from its start to its end.
final class RawWriter: ArchiveWriter {
  private let job: Job
  private let host: Host
  private let options: Options
  private let directory: Int32
  /// Names made so far, in order: to be removed if the job comes to nothing.
  private var created: [String] = []
  private var stored: [StoredStream] = []

  private var stream: StreamDescription?
  private var file: OutputFile?
  private var hash = SHA256()
  private var isHashed = false
  private var hashedTo: UInt64 = 0

  init(job: Job, output: Output, host: Host) throws(PluginError) {
    try Layout.raw.check(job.streams)
    options = Options(host.options)
    self.job = job
    self.host = host
    directory = output.descriptor
  }

  func open(_ stream: StreamDescription) throws(PluginError) {
    var file = try create(Layout.raw.fileName(stream))
    // What is large is written past the page cache, and hashed only if the user wants it.
    if stream.kind != .config {
      let isDirect = try file.goDirect(options.direct)
      if !isDirect && options.direct == .auto {
        host.log(.debug, "\(file.name) is written through the page cache: no O_DIRECT here")
      }
    }
    if let size = stream.size { try file.setLength(size) }
    isHashed = stream.kind == .config || options.listsDisks
    hashedTo = 0
    self.file = consume file
    self.stream = stream
  }

  func data(_ data: borrowing StreamData) throws(PluginError) {
    var end = 0
    while let run = data.nextRun(from: end) {
      let bytes = data.bytes.extracting(run)
      let offset = data.offset + UInt64(run.lowerBound)
      try file?.write(bytes, at: offset)
      if isHashed {
        // What the file really holds: masked blocks are holes, whatever the pool says.
        hashZeros(to: offset)
        hash.update(bytes)
        hashedTo = offset + UInt64(run.count)
      }
      end = run.upperBound
    }
  }

  func zero(_ range: Range<UInt64>, _ kind: Extent.Kind) throws(PluginError) {
    // The length is set: what nobody writes is a hole.
  }

  func close(length: UInt64, digest: Digest) throws(PluginError) {
    guard let stream, let file = file.take() else { return }
    try file.setLength(length)
    if isHashed { hashZeros(to: length) }
    stored.append(
      StoredStream(
        stream: stream, length: length, storedBytes: try file.sync(), digest: digest,
        sha256: isHashed ? hash.finish() : nil))
  }

  func finish() throws(PluginError) -> Finished {
    let manifest = manifestText(job, stored, tools: host.programs)
    let manifestBytes = try write(manifest, to: Layout.manifest)
    var sums = Checksums()
    for stream in stored {
      if let digest = stream.sha256 { sums.add(digest, file: stream.file) }
    }
    var hash = SHA256()
    hash.update(manifest)
    sums.add(hash.finish(), file: Layout.manifest)
    let sumsBytes = try write(sums.text, to: Layout.checksums)
    let result = clinux_fsync(directory)
    if result < 0 { throw PluginError("syncing the directory", errno: -result) }

    var artefacts = stored.map { Finished.Artefact(name: $0.file, size: $0.length) }
    artefacts.append(Finished.Artefact(name: Layout.manifest, size: UInt64(manifest.count)))
    artefacts.append(Finished.Artefact(name: Layout.checksums, size: UInt64(sums.text.count)))
    let bytes = stored.reduce(manifestBytes + sumsBytes) { $0 + $1.storedBytes }
    return Finished(artefacts: artefacts, storedBytes: bytes)
  }

  func abort() {
    file = nil
    for name in created.reversed() { unsafe _ = clinux_unlinkat(directory, name, 0) }
    created = []
  }

  private func hashZeros(to offset: UInt64) {
    hash.updateZeros(offset - hashedTo)
    hashedTo = offset
  }

  private func create(_ name: String) throws(PluginError) -> OutputFile {
    let file = try OutputFile(creating: name, in: directory)
    created.append(name)
    return file
  }

  /// Writes a small file of our own.
  private func write(_ text: [UInt8], to name: String) throws(PluginError) -> UInt64 {
    var file = try create(name)
    unsafe try file.write(text.span.bytes, at: 0)
    return try file.sync()
  }
}
