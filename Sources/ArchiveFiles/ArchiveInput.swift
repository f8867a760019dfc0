package import ArchiveBytes
package import WriterKit

/// Descriptor 6 in read mode: what it is, and how its bytes are had.
package struct ArchiveInput {
  /// Stands at the archive's start, decompressed.
  package let source: any ByteSource
  /// The same, where every byte can be had at any time: an uncompressed file.
  package let file: FileSource?
  /// Where everything comes from that can be read once only.
  private let stream: InputStream?

  /// - Parameters:
  ///   - input: A file or a pipe, compressed or not.
  ///   - keepsStart: Of a pipe: what is read is kept, for ``spool(to:onProgress:)``.
  package init(_ input: Output, keepsStart: Bool = false) throws(PluginError) {
    guard input.kind != .file else {
      try self.init(file: input.descriptor)
      return
    }
    let stream = InputStream(input.descriptor)
    if keepsStart { stream.startKeeping() }
    let start = try plugin { () throws(ArchiveError) in try stream.peek(4) }
    self.init(source: try Self.decompressed(stream, start) ?? stream, file: nil, stream: stream)
  }

  /// - Parameter file: Can be read at any place, and as often as is wanted.
  package init(file descriptor: Int32) throws(PluginError) {
    let file = try FileSource(descriptor)
    let start = try plugin { () throws(ArchiveError) in try file.start(4) }
    let decompressed = try Self.decompressed(file, start)
    self.init(
      source: decompressed ?? file, file: decompressed == nil ? file : nil, stream: nil)
  }

  private init(source: any ByteSource, file: FileSource?, stream: InputStream?) {
    self.source = source
    self.file = file
    self.stream = stream
  }

  /// Whether the archive can be opened again from its start.
  package var canRestart: Bool { stream == nil }

  /// The start of a pipe is not wanted again.
  package func forgetStart() { _ = stream?.stopKeeping() }

  /// Copies a pipe into a file, as it came: what was kept of its start, and all that follows.
  ///
  /// - Parameter onProgress: Called with bytes that were copied.
  package func spool(
    to scratch: ScratchDescriptor, onProgress: (Int) -> Void
  ) throws(ArchiveError) {
    guard let stream else { return }
    try unsafe scratch.fill(
      from: stream.stopKeeping(),
      then: { buffer throws(ArchiveError) in try unsafe stream.readOn(into: buffer) },
      onProgress: onProgress)
  }

  /// - Returns: `nil` for what is not compressed.
  private static func decompressed(
    _ source: any ByteSource, _ start: [UInt8]
  ) throws(PluginError) -> DecompressedSource? {
    switch start {
    case [0x28, 0xB5, 0x2F, 0xFD]: return try ZstdSource(source)
    case let bytes where bytes.starts(with: [0x1F, 0x8B]): return try GzipSource(source)
    case let bytes where bytes.starts(with: [0x89, 0x4C, 0x5A, 0x4F]):
      throw PluginError(
        .unsupported, "the archive is compressed with lzop; decompress it first (lzop -d)")
    default: return nil
    }
  }
}
