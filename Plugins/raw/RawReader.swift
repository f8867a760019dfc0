import RawFormat
import System
import WriterKit

/// Reads the directory: what is a hole in a file is never read.
final class RawReader: ArchiveReader {
  /// Files are read at any place with the same ease.
  static let readsRanges = true

  let streams: [StreamDescription]
  private let directory: Int32
  /// In verify mode: what SHA256SUMS says of the files it lists.
  private let checksums: Checksums?
  /// Whether every stream so far was read whole, and is what SHA256SUMS says.
  private(set) var isProven = true

  init(job: Job, input: Output, host: Host) throws(PluginError) {
    guard input.kind == .directory else {
      throw PluginError(.badJob, "raw reads a directory, not a \(input.kind)")
    }
    directory = input.descriptor
    let text = try Self.manifestText(directory)
    streams = try ArchiveManifest(parsing: text).streams
    for stream in streams { _ = try Self.open(stream, in: directory) }
    guard job.mode == .verify else {
      checksums = nil
      return
    }
    let sums = try InputFile(opening: Layout.checksums, in: directory)
      .readAll(limit: Checksums.byteCountMax)
    checksums = try Checksums(parsing: sums, of: streams, manifest: text)
    try checkNames()
  }

  func read(
    _ stream: StreamDescription, _ range: Range<UInt64>, into sink: ReadSink
  ) throws(PluginError) {
    let file = try Self.open(stream, in: directory)
    let isWhole = range.lowerBound == 0 && range.upperBound == stream.size
    let expected = isWhole ? checksums?[file.name] : nil
    var hash = SHA256()
    var masks: [UInt16] = []
    while sink.bytesLeft > 0 {
      let start = sink.position
      let map = try PieceMap(
        file, from: start, end: sink.end, countMax: sink.pieceBytesMax, masks: &masks)
      if map.holeBytes > 0 {
        if expected != nil { hash.updateZeros(map.holeBytes) }
        try sink.zeros(map.holeBytes)
        continue
      }
      try sink.data(map.dataBytes, masks: masks.span) { span throws(PluginError) in
        try file.read(into: &span, at: start)
        if expected != nil { hash.update(span.bytes) }
      }
    }
    guard let expected else {
      isProven = false
      return
    }
    guard hash.finish() == expected else {
      throw PluginError(.corrupt, "\(file.name) is damaged: it does not match SHA256SUMS")
    }
  }

  /// Every file was looked at by itself.
  func finish() {}

  /// Refuses what does not belong to the archive.
  private func checkNames() throws(PluginError) {
    let names: [String]
    do { names = try listDirectory(".", in: directory) } catch {
      throw PluginError("listing the archive", error)
    }
    let known = Set(streams.map(Layout.fileName) + [Layout.manifest, Layout.checksums])
    if let other = names.first(where: { !known.contains($0) }) {
      let shown = StreamDescription.isAcceptable(name: other) ? "\"\(other)\"" : "a file"
      throw PluginError(.corrupt, "unexpected file \(shown), not listed in \(Layout.manifest)")
    }
  }

  private static func manifestText(_ directory: Int32) throws(PluginError) -> [UInt8] {
    do {
      return try InputFile(opening: Layout.manifest, in: directory)
        .readAll(limit: Receipt.byteCountMax)
    } catch {
      guard error.code == .notFound else { throw error }
      throw PluginError(
        .notFound, "\(Layout.manifest) not found: not a raw archive, or an incomplete one")
    }
  }

  private static func open(
    _ stream: StreamDescription, in directory: Int32
  ) throws(PluginError) -> InputFile {
    let file = try InputFile(opening: Layout.fileName(stream), in: directory)
    guard file.size == stream.size else {
      throw PluginError(
        .corrupt, "\(file.name) has \(file.size) bytes instead of \(stream.size ?? 0)")
    }
    return file
  }
}
