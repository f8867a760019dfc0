package import BackupProtocol

extension StreamDescription {
  /// How long a stream of an archive is: asked for wherever bytes of it are to go.
  ///
  /// An archive need not say it (protocol.md §7.1): such a stream is listed, and never read, for
  /// whoever took its size for 0 would restore nothing of it and call that all.
  ///
  /// - Throws: `.archive`.
  package func knownSize() throws(LaneFailure) -> UInt64 {
    guard let size else {
      throw .archive(
        stream: name, "has no size: the archive does not say how long it is")
    }
    return size
  }
}
