package import BackupProtocol

/// The reader's side of one stream of an archive that others of its chain refer to.
package final class LevelTarget: ReadTarget {
  private let stream: StreamDescription
  private let feed: LevelFeed
  private let parent: ParentBackup.Stream?

  /// Waits until the stream is merged.
  ///
  /// - Parameter parent: What the stream itself refers to, if it is of an increment.
  /// - Throws: `.cancelled` if it never will be.
  package init(
    _ stream: StreamDescription, _ feed: LevelFeed, parent: ParentBackup.Stream?
  ) throws(LaneFailure) {
    self.stream = stream
    self.feed = feed
    self.parent = parent
    guard feed.open(stream.name) else { throw .cancelled }
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

  private func offer(_ piece: LevelFeed.Piece) throws(LaneFailure) {
    guard feed.offer(piece) else { throw .cancelled }
  }
}

extension ParentBackup.Stream? {
  /// Refuses a range that the parent does not have.
  func require(_ range: Range<UInt64>, of stream: StreamDescription) throws(LaneFailure) {
    guard let parent = self, parent.covers(range, of: stream.size ?? 0) else {
      throw .archive(stream: stream.name, "refers to bytes that its parent does not have")
    }
  }
}
