package import BackupProtocol
package import BlockSource

/// A stream a backup lane sends: what it is, where its bytes are, how to read them.
package struct LaneStream {
  package let description: StreamDescription
  /// Bytes; exact.
  package let size: UInt64
  /// Ascending; cover the stream.
  package let map: [Extent]
  /// Whether what serves the source is needed to read it; not for a copy that was made before.
  package let needsSource: Bool
  /// Makes the reader when the stream's turn has come.
  package let openReader: () throws(SourceError) -> any DiskReader

  package init(
    description: StreamDescription, size: UInt64, map: [Extent], needsSource: Bool = true,
    openReader: @escaping () throws(SourceError) -> any DiskReader
  ) {
    self.description = description
    self.size = size
    self.map = map
    self.needsSource = needsSource
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
  /// What did not come out of a damaged archive, and is zeros.
  package var damage = StreamDamage()

  package init(
    name: String, size: UInt64, readBytes: UInt64 = 0, dataBytes: UInt64 = 0,
    digest: Digest = .none, seconds: Double = 0, damage: StreamDamage = StreamDamage()
  ) {
    (self.name, self.size) = (name, size)
    (self.readBytes, self.dataBytes) = (readBytes, dataBytes)
    (self.digest, self.seconds, self.damage) = (digest, seconds, damage)
  }
}

/// Why a lane failed.
package enum LaneFailure: Error, Sendable {
  /// The user cancelled the job.
  case cancelled
  /// Bytes of a stream could not be read.
  case source(stream: String, SourceError)
  /// A read failed at this byte of the stream.
  case read(stream: String, offset: UInt64, code: Int32)
  /// The source answered no read for so many seconds.
  case sourceStalled(stream: String, seconds: Double)
  /// Every writer plugin has failed.
  case noWriters
  /// The archive is damaged or does not match its receipt; the predicate of a sentence.
  case archive(stream: String, String)
  /// The bytes of a stream are not those whose digest the plugin told.
  case falseDigest(stream: String)
  /// The archive contains no streams.
  case emptyArchive
  /// The plugin failed a READ: its code, and the predicate of a sentence.
  case unreadable(stream: String, ErrorCode, String)
  /// The target cannot be written.
  case target(String)
  case system(String)

  /// The plugins themselves report why they failed.
  package var isNoWriters: Bool { if case .noWriters = self { true } else { false } }
}
