internal import ArchiveBytes
internal import BackupProtocol

/// Puts pieces of any size together to clusters of 64 KiB, with the zeros between them.
@safe final class ClusterAssembler {
  static let clusterBytes = Int(Cluster.bytes)

  private let sink: any ClusterSink
  /// Where the bytes end that are wanted.
  private let capacity: UInt64
  private let buffer: UnsafeMutableRawBufferPointer
  /// Number of the cluster in the buffer.
  private var open: UInt64?
  /// Where the bytes end that went to the sink.
  private var position: UInt64

  /// - Parameter range: Bytes of the disk that are wanted, from where a cluster begins; what lies
  ///   outside is dropped.
  init(_ sink: any ClusterSink, _ range: Range<UInt64>) {
    self.sink = sink
    position = range.lowerBound
    capacity = range.upperBound
    unsafe buffer = .allocate(byteCount: Self.clusterBytes, alignment: 4096)
  }

  deinit { unsafe buffer.deallocate() }

  /// Adds bytes.
  ///
  /// - Parameter offset: Behind everything that was added.
  func put(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ArchiveError) {
    // What is in a cluster that was given up is lost with it; and nobody wants what is before the
    // range.
    let lost = Int(min(UInt64(bytes.count), position > offset ? position - offset : 0))
    var place = offset + UInt64(lost)
    var left = unsafe UnsafeRawBufferPointer(rebasing: bytes[lost...])
    while unsafe !left.isEmpty, place < capacity {
      let cluster = place / UInt64(Self.clusterBytes)
      if open != cluster { try begin(cluster) }
      let start = Int(place % UInt64(Self.clusterBytes))
      let count = min(left.count, Self.clusterBytes - start)
      unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[start..<(start + count)])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: left[..<count]))
      place += UInt64(count)
      unsafe left = UnsafeRawBufferPointer(rebasing: left[count...])
    }
  }

  /// Gives up every cluster of which a part is in `range`.
  ///
  /// - Parameter range: Behind everything that was added.
  /// - Throws: E_CORRUPT with the reason, unless the sink wants to know what is lost.
  func lose(_ range: Range<UInt64>, _ reason: String) throws(ArchiveError) {
    let bytes = UInt64(Self.clusterBytes)
    if open == range.lowerBound / bytes { open = nil }
    try flush()
    let start = max(position, range.lowerBound / bytes * bytes)
    let end = min(capacity, (range.upperBound + bytes - 1) / bytes * bytes)
    guard start < end else { return }
    if start > position { try sink.zeros(start - position) }
    try sink.damaged(end - start, reason)
    position = end
  }

  /// The rest of the disk is zeros.
  func finish() throws(ArchiveError) {
    try flush()
    if position < capacity { try sink.zeros(capacity - position) }
    position = capacity
  }

  private func begin(_ cluster: UInt64) throws(ArchiveError) {
    try flush()
    open = cluster
    unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0)
  }

  private func flush() throws(ArchiveError) {
    guard let cluster = open else { return }
    open = nil
    let start = cluster * UInt64(Self.clusterBytes)
    if start > position { try sink.zeros(start - position) }
    let count = Int(min(UInt64(Self.clusterBytes), capacity - start))
    let masks: InlineArray<1, BlockMask> = [BlockMask(covering: count)]
    try sink.data(count, masks: masks.span) { (span: inout MutableRawSpan) throws(ArchiveError) in
      unsafe span.withUnsafeMutableBytes { target in
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
    position = start + UInt64(count)
  }
}
