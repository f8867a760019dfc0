internal import ArchiveBytes

/// Puts pieces of any size together to clusters of 64 KiB, with the zeros between them.
@safe final class ClusterAssembler {
  static let clusterBytes = 65536

  private let sink: any ClusterSink
  private let capacity: UInt64
  private let buffer: UnsafeMutableRawBufferPointer
  /// Number of the cluster in the buffer.
  private var open: UInt64?
  /// Bytes that went to the sink.
  private var position: UInt64 = 0

  /// - Parameter capacity: Bytes of the disk; what lies beyond is dropped.
  init(_ sink: any ClusterSink, capacity: UInt64) {
    self.sink = sink
    self.capacity = capacity
    unsafe buffer = .allocate(byteCount: Self.clusterBytes, alignment: 4096)
  }

  deinit { unsafe buffer.deallocate() }

  /// Adds bytes.
  ///
  /// - Parameter offset: Behind everything that was added.
  func put(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ArchiveError) {
    var place = offset
    var left = unsafe bytes
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
    let blocks = (count + 4095) / 4096
    let masks: InlineArray<1, UInt16> = [UInt16.max >> UInt16(16 - blocks)]
    try sink.data(count, masks: masks.span) { (span: inout MutableRawSpan) throws(ArchiveError) in
      unsafe span.withUnsafeMutableBytes { target in
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    }
    position = start + UInt64(count)
  }
}
