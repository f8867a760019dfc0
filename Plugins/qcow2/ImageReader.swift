import ArchiveBytes
import ArchiveFiles
import DiskFormats
import RawFormat
import WriterKit

/// Reads the directory: of an increment what it has itself, and never the file it names.
final class ImageReader: ArchiveReader {
  /// Tables tell where everything is.
  static let readsRanges = true

  let streams: [StreamDescription]
  /// Bytes of the disks below those that are incremental.
  private let parentBytes: [String: UInt64]
  private let directory: Int32
  private let salvages: Bool
  private let isVerified: Bool
  /// The image that was read last.
  private var open: (stream: UInt32, reader: QCOW2Reader)?

  init(job: Job, input: Input, host: Host) throws(PluginError) {
    directory = input.descriptor
    let manifest = try ArchiveManifest(
      parsing: readManifest(of: "qcow2", in: directory), of: .qcow2)
    (streams, parentBytes) = (manifest.streams, manifest.parentBytes)
    salvages = job.salvages
    isVerified = job.mode == .verify
    for stream in streams where !salvages {
      if stream.kind == .disk { _ = try image(stream) } else { _ = try file(stream) }
    }
    guard isVerified else { return }
    let names = streams.map(Layout.qcow2.fileName) + [Layout.manifest]
    try checkDirectory(directory, holds: Set(names))
  }

  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    if salvages { return try salvage(stream, into: sink) }
    guard stream.kind == .disk else { return try file(stream).put(into: sink) }
    let reader = try image(stream)
    try naming(stream) { () throws(ArchiveError) in
      try reader.read(range, to: PieceSink(sink))
      // As `qemu-img check`: an image that only reads well may do harm when it is written to.
      if isVerified && range.upperBound == stream.size {
        var check = QCOW2Check(reader)
        try check.run()
      }
    }
  }

  /// Every file was looked at by itself.
  func finish() {}

  private func salvage(
    _ stream: StreamDescription, into sink: ReadSink
  ) throws(PluginError) {
    let name = Layout.qcow2.fileName(stream)
    guard let file = try InputFile.forSalvage(name, in: directory, sink) else { return }
    guard stream.kind == .disk else { return try file.salvage(into: sink) }
    let reader: QCOW2Reader
    do throws(ArchiveError) {
      reader = try QCOW2Reader(
        ImageSource(file).window, backingBytes: parentBytes[stream.name], salvages: true)
      try Self.check(reader.header, stream)
    } catch {
      if sink.bytesLeft > 0 { try sink.damaged(sink.bytesLeft, "\(name): \(error.message)") }
      return
    }
    try naming(stream) { () throws(ArchiveError) in
      try reader.read(sink.position..<sink.end, to: PieceSink(sink))
    }
  }

  // MARK: Files

  /// The open image, or another one.
  private func image(_ stream: StreamDescription) throws(PluginError) -> QCOW2Reader {
    if let open, open.stream == stream.id { return open.reader }
    let file = try InputFile(opening: Layout.qcow2.fileName(stream), in: directory)
    let source = ImageSource(file)
    let reader = try naming(stream) { () throws(ArchiveError) in
      let reader = try QCOW2Reader(source.window, backingBytes: parentBytes[stream.name])
      try reader.header.requirePlain()
      try Self.check(reader.header, stream)
      return reader
    }
    open = (stream.id, reader)
    return reader
  }

  private static func check(
    _ header: QCOW2Header, _ stream: StreamDescription
  ) throws(ArchiveError) {
    guard header.capacityBytes == stream.size else {
      throw .corrupt("a disk of \(header.capacityBytes) bytes instead of \(stream.size ?? 0)")
    }
  }

  private func file(_ stream: StreamDescription) throws(PluginError) -> InputFile {
    let file = try InputFile(opening: Layout.qcow2.fileName(stream), in: directory)
    guard file.size == stream.size else {
      throw PluginError(
        .corrupt, "\(file.name) has \(file.size) bytes instead of \(stream.size ?? 0)")
    }
    return file
  }

  /// An image does not know its name.
  private func naming<Value>(
    _ stream: StreamDescription, _ body: () throws(ArchiveError) -> Value
  ) throws(PluginError) -> Value {
    do { return try body() } catch {
      throw PluginError(
        error.code, "\(Layout.qcow2.fileName(stream)): \(error.message)", errno: error.errno)
    }
  }
}
