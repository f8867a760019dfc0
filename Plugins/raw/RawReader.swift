import RawFormat
import WriterKit

/// Reads the directory: what is a hole in a file is never read.
final class RawReader: ArchiveReader {
  /// Files are read at any place with the same ease.
  static let readsRanges = true

  let streams: [StreamDescription]
  private let directory: Int32
  private let salvages: Bool
  /// In verify mode: what SHA256SUMS says of the files it lists.
  private let checksums: Checksums?
  /// Whether every stream so far was read whole, and is what SHA256SUMS says.
  private(set) var isProven = true

  init(job: Job, input: Input, host: Host) throws(PluginError) {
    directory = input.descriptor
    let text = try readManifest(of: "raw", in: directory)
    streams = try ArchiveManifest(parsing: text).streams
    salvages = job.salvages
    for stream in streams where !salvages { _ = try Self.open(stream, in: directory) }
    guard job.mode == .verify else {
      checksums = nil
      return
    }
    let sums = try InputFile(opening: Layout.checksums, in: directory)
      .readAll(limit: Checksums.byteCountMax)
    checksums = try Checksums(parsing: sums, of: streams, manifest: text)
    let names = streams.map(Layout.raw.fileName) + [Layout.manifest, Layout.checksums]
    try checkDirectory(directory, holds: Set(names))
  }

  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    guard !salvages else {
      isProven = false
      let name = Layout.raw.fileName(stream)
      guard let file = try InputFile.forSalvage(name, in: directory, sink) else { return }
      return try file.salvage(into: sink)
    }
    let file = try Self.open(stream, in: directory)
    let isWhole = range.lowerBound == 0 && range.upperBound == stream.size
    let expected = isWhole ? checksums?[file.name] : nil
    guard let expected else {
      isProven = false
      return try file.put(into: sink)
    }
    var hash = SHA256()
    try file.put(
      into: sink, seeBytes: { bytes in hash.update(bytes) },
      seeZeros: { count in hash.updateZeros(count) })
    guard hash.finish() == expected else {
      throw PluginError(.corrupt, "\(file.name) is damaged: it does not match SHA256SUMS")
    }
  }

  /// Every file was looked at by itself.
  func finish() {}

  private static func open(
    _ stream: StreamDescription, in directory: Int32
  ) throws(PluginError) -> InputFile {
    let file = try InputFile(opening: Layout.raw.fileName(stream), in: directory)
    guard file.size == stream.size else {
      throw PluginError(
        .corrupt, "\(file.name) has \(file.size) bytes instead of \(stream.size ?? 0)")
    }
    return file
  }
}
