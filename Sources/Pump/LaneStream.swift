package import BackupProtocol
package import BlockSource

/// A stream a backup lane sends: what it is, where its bytes are, how to read them.
package struct LaneStream {
  package let description: StreamDescription
  /// Bytes; exact.
  package let size: UInt64
  /// Ascending; cover the stream.
  package let map: [Extent]
  /// Makes the reader when the stream's turn has come.
  package let openReader: () throws(SourceError) -> any DiskReader

  package init(
    description: StreamDescription, size: UInt64, map: [Extent],
    openReader: @escaping () throws(SourceError) -> any DiskReader
  ) {
    self.description = description
    self.size = size
    self.map = map
    self.openReader = openReader
  }

  /// Bytes that may hold data, and so are read.
  package var allocatedBytes: UInt64 {
    map.reduce(0) { $0 + ($1.kind == .data ? $1.length : 0) }
  }
}

/// What a lane did with one stream; byte counts are exact.
package struct StreamSummary: Sendable {
  package let name: String
  package let size: UInt64
  /// Bytes asked of the source, or taken out of the archive.
  package var readBytes: UInt64 = 0
  /// Bytes in 4 KiB blocks that hold something else than zeros.
  package var dataBytes: UInt64 = 0
  package var digest = Digest.none
  package var seconds = 0.0
}

/// Why a lane ended before its work was done.
package enum LaneFailure: Error, Sendable {
  /// The user asked for it.
  case cancelled
  /// Bytes of a stream could not be read.
  case source(stream: String, SourceError)
  /// A read failed on the way, at this byte of the stream.
  case read(stream: String, offset: UInt64, code: Int32)
  /// The source owes reads and has answered none for so many seconds.
  case sourceStalled(stream: String, seconds: Double)
  /// No plugin is left to write to.
  case noWriters
  /// The archive does not hold what it should, in words.
  case archive(stream: String, String)
  /// The archive holds no stream at all.
  case emptyArchive
  /// The plugin gave up a READ: its code, and why in words.
  case unreadable(stream: String, ErrorCode, String)
  /// Somebody was named whom the archive does not hold, or something is missing to say what to do.
  case request(String, hint: String?)
  /// What was read cannot be put in its place.
  case target(String)
  case system(String)

  /// The plugins themselves tell why none is left.
  package var isNoWriters: Bool { if case .noWriters = self { true } else { false } }
}
