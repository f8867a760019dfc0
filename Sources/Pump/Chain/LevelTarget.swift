package import BackupProtocol
package import SharedPool

/// The reader's side of one stream of an archive that others of its chain refer to.
package final class LevelTarget: ReadTarget {
  private let stream: StreamDescription
  private let feed: LevelFeed
  private let parent: ParentBackup.Stream?

  /// Waits until the stream is merged.
  ///
  /// - Parameters:
  ///   - parent: What the stream itself refers to, if it is of an increment.
  ///   - memory: What is put is in there.
  /// - Throws: `.cancelled` if it never will be.
  package init(
    _ stream: StreamDescription, _ feed: LevelFeed, parent: ParentBackup.Stream?,
    memory: SharedPool
  ) throws(LaneFailure) {
    self.stream = stream
    self.feed = feed
    self.parent = parent
    guard feed.open(stream.name, memory) else { throw .cancelled }
  }

  package func put(
    _ bytes: UnsafeRawBufferPointer, masks: Span<BlockMask>, at offset: UInt64
  ) throws(LaneFailure) {
    guard let start = bytes.baseAddress else { return }
    try offer(
      unsafe LevelFeed.Piece(kind: .bytes(start), range: offset..<(offset + UInt64(bytes.count))))
  }

  package func putUnchanged(_ range: Range<UInt64>) throws(LaneFailure) {
    try parent.require(range, of: stream)
    try offer(LevelFeed.Piece(kind: .unchanged, range: range))
  }

  package func finish() throws(LaneFailure) { feed.endStream() }

  package var usedUpTo: UInt64 { feed.mergedUpTo }

  package func waitUntilUsed(upTo end: UInt64) throws(LaneFailure) {
    guard feed.waitUntilMerged(upTo: end) else { throw .cancelled }
  }

  private func offer(_ piece: LevelFeed.Piece) throws(LaneFailure) {
    guard feed.offer(piece) else { throw .cancelled }
  }
}

extension ParentBackup.Stream? {
  /// Refuses a range that the parent does not have.
  func require(_ range: Range<UInt64>, of stream: StreamDescription) throws(LaneFailure) {
    guard let parent = self, parent.covers(range, of: try stream.knownSize()) else {
      throw .archive(stream: stream.name, "refers to bytes that its parent does not have")
    }
  }
}
