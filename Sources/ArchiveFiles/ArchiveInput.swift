public import ArchiveBytes
internal import System
public import WriterKit

/// Descriptor 6 in read mode: what it is, and how its bytes are had.
public struct ArchiveInput {
  /// Stands at the archive's start, decompressed.
  public let source: any ByteSource
  /// The same, where every byte can be had at any time: an uncompressed file.
  public let file: FileSource?
  /// Where everything comes from that can be read once only.
  private let stream: InputStream?

  /// - Parameters:
  ///   - input: A file or a pipe, compressed or not.
  ///   - keepsStart: Of a pipe: what is read is kept, for ``spool(to:onProgress:)``.
  ///   - salvages: What is handed on of a damaged archive that is compressed, is right.
  public init(
    _ input: Input, keepsStart: Bool = false, salvages: Bool = false
  ) throws(PluginError) {
    guard input.kind != .file else {
      try self.init(file: input.descriptor, salvages: salvages)
      return
    }
    let stream = InputStream(input.descriptor)
    if keepsStart { stream.startKeeping() }
    let start = try plugin { () throws(ArchiveError) in try stream.peek(4) }
    let decompressed = try Self.decompressed(stream, start, salvages: salvages)
    self.init(source: decompressed ?? stream, file: nil, stream: stream)
  }

  /// - Parameter file: Can be read at any place, and as often as is wanted.
  public init(file descriptor: Int32, salvages: Bool = false) throws(PluginError) {
    let file = try FileSource(descriptor)
    let start = try plugin { () throws(ArchiveError) in try file.start(4) }
    let decompressed = try Self.decompressed(file, start, salvages: salvages)
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
    _ source: any ByteSource, _ start: [UInt8], salvages: Bool
  ) throws(PluginError) -> (any ByteSource)? {
    switch start {
    case let bytes where isZstd(bytes):
      guard salvages else { return try ZstdSource(source) }
      return try FrameSalvage(source, magic: [0x28, 0xB5, 0x2F, 0xFD]) { () throws(PluginError) in
        try ZstdDecoder()
      }
    case let bytes where bytes.starts(with: [0x1F, 0x8B]):
      guard salvages else { return try GzipSource(source) }
      return try FrameSalvage(source, magic: [0x1F, 0x8B, 0x08]) { () throws(PluginError) in
        try GzipDecoder()
      }
    default:
      guard let foreign = ForeignCompression(start: start) else { return nil }
      throw PluginError(
        .unsupported,
        "the archive is compressed with \(foreign.rawValue), which is not supported; decompress it "
          + "(\(foreign.command) < ARCHIVE | sluice … -)")
    }
  }

  /// Whether a stream begins with a frame of zstd, or with one that decoders skip (RFC 8878,
  /// 3.1.2), as those of pzstd do.
  private static func isZstd(_ start: [UInt8]) -> Bool {
    start == [0x28, 0xB5, 0x2F, 0xFD]
      || start.first.map { $0 & 0xF0 == 0x50 } == true
        && start.dropFirst().elementsEqual([0x2A, 0x4D, 0x18])
  }
}
