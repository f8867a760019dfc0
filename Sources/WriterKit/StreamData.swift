internal import BackupProtocol

/// A piece of a stream, as the host lent it: where it belongs, its bytes, and which blocks of it
/// may hold anything but zeros.
///
/// It lives as long as the call that brought it. Use ``keep()`` for data that is needed longer.
public struct StreamData: ~Escapable {
  /// Bytes from the start of the stream; a multiple of 64 KiB.
  public let offset: UInt64
  /// 1…slot size bytes. In the shared pool, or in the frame itself if ``isShared`` is false.
  ///
  /// Aligned to 4 KiB in memory, as ``offset`` is in the stream, and so is every run of
  /// ``nextRun(from:)``: fit for `O_DIRECT`, but for the odd tail of a stream.
  /// Other processes may write to the pool; a well-behaved host does so only after the release.
  public let bytes: RawSpan
  /// Whether the bytes lie in the pool.
  public var isShared: Bool { slot >= 0 }

  private let frame: DataFrame
  private let payload: RawSpan
  private let sequence: UInt32
  private let slot: Int
  private let delivery: Delivery

  @_lifetime(copy bytes, copy payload)
  init(
    _ frame: DataFrame, bytes: RawSpan, payload: RawSpan, sequence: UInt32, slot: Int,
    delivery: Delivery
  ) {
    offset = frame.offset
    self.bytes = bytes
    self.frame = frame
    self.payload = payload
    self.sequence = sequence
    self.slot = slot
    self.delivery = delivery
  }

  /// Number of bytes.
  public var count: Int { bytes.byteCount }

  /// Clusters of 64 KiB, the last of which may be short.
  public var clusterCount: Int { frame.clusterCount }

  /// The mask of a cluster: the blocks that may hold something else than zeros. A host that makes
  /// no claim leaves all bits set.
  ///
  /// - Parameter cluster: 0..<``clusterCount``.
  public func mask(_ cluster: Int) -> BlockMask { frame.mask(cluster, in: payload) }

  /// The next maximal run of blocks that may hold data.
  ///
  /// ```swift
  /// var end = 0
  /// while let run = data.nextRun(from: end) {
  ///   write(data.bytes.extracting(run), at: data.offset + UInt64(run.lowerBound))
  ///   end = run.upperBound
  /// }
  /// ```
  /// - Parameter start: Where to look from; the end of the run before, or 0.
  /// - Returns: Positions in ``bytes``: multiples of 4 KiB, or the end of the bytes; `nil` when all
  ///   that follows is zeros.
  public func nextRun(from start: Int) -> Range<Int>? {
    BlockMask.nextRun(from: start, byteCount: count) { cluster in mask(cluster) }
  }

  /// Keeps the bytes beyond this call: for a writer that gathers or has several writes in flight.
  ///
  /// The host gets the slot back when the lease ends. When `data` returns, a writer may have leases
  /// of the most recent frames only, ``Host/leasesMax`` at most: more fail the job, which would
  /// stand still for want of a slot. End those of a stream in `close`. Inline bytes are copied.
  /// Specified in protocol.md §8.2.
  public func keep() -> Lease {
    precondition(!delivery.isKept, "data is kept once")
    delivery.isKept = true
    delivery.releases.keptCount += 1
    return unsafe Lease(
      bytes: bytes, copied: !isShared, sequence: sequence, slot: slot, releases: delivery.releases)
  }
}

/// How the delivery of one DATA frame went.
final class Delivery {
  let releases: ReleaseQueue
  var isKept = false

  init(releases: ReleaseQueue) { self.releases = releases }
}
