package import ArchiveBytes
package import BackupProtocol

/// Where the blocks of clusters are that came before their turn.
package protocol EarlyPlace: AnyObject {
  /// Takes the blocks of a slot, the next bytes of `source`, which stands behind them afterwards.
  ///
  /// - Parameter extentOffset: Where in the archive the slot's extent begins.
  /// - Returns: A ticket, 2 or more.
  func keep(
    _ slot: ExtentSlot, extentOffset: UInt64, from source: any ByteSource
  ) throws(ArchiveError) -> UInt32

  /// The mask of a cluster that was kept.
  func mask(_ ticket: UInt32, device: UInt8, cluster: UInt64) throws(ArchiveError) -> BlockMask

  /// Puts the stored blocks of a cluster where they belong.
  ///
  /// - Parameters:
  ///   - span: The cluster is its bytes from `start` on.
  ///   - count: Bytes of the cluster.
  func read(
    _ ticket: UInt32, device: UInt8, cluster: UInt64, into span: inout MutableRawSpan,
    from start: Int, count: Int
  ) throws(ArchiveError)

  /// The cluster is not needed any more.
  func drop(_ ticket: UInt32)
}
