internal import CCompression

/// Compresses clusters for a qcow2 image. One thread owns it.
@safe package final class QCOW2Codec {
  /// What QEMU decompresses: zlib always, zstd from 5.1 on.
  package enum Method: String, Sendable { case zstd, zlib }

  /// Bytes that a compressed cluster may have. One that gains less than 4 KiB is kept as it is,
  /// which QEMU reads and rewrites with less work.
  package static let packedBytesMax = Int(QCOW2.clusterBytes) - 4096

  private let zstd: OpaquePointer?
  private let zlib: UnsafeMutablePointer<z_stream>?

  /// - Returns: `nil` without memory.
  package init?(_ method: Method) {
    switch method {
    case .zstd:
      guard let context = unsafe ZSTD_createCCtx() else { return nil }
      unsafe _ = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1)
      // A damaged cluster is told from a good one without the others.
      unsafe _ = ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
      unsafe (zstd, zlib) = (context, nil)
    case .zlib:
      guard let stream = unsafe Self.deflating() else { return nil }
      unsafe (zstd, zlib) = (nil, stream)
    }
  }

  deinit {
    unsafe _ = ZSTD_freeCCtx(zstd)
    guard let stream = unsafe zlib else { return }
    unsafe _ = deflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Compresses a cluster.
  ///
  /// - Parameters:
  ///   - cluster: 65536 bytes.
  ///   - target: Room for ``packedBytesMax``.
  /// - Returns: Bytes in `target`; 0 if the cluster is better kept as it is.
  package func pack(
    _ cluster: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Int {
    precondition(cluster.count == Int(QCOW2.clusterBytes), "clusters are whole")
    precondition(target.count >= Self.packedBytesMax, "a compressed cluster has room")
    guard let context = unsafe zstd else { return unsafe deflated(cluster, into: target) }
    // Safe because: both lengths are those of the buffers, or less.
    let count = unsafe ZSTD_compress2(
      context, target.baseAddress, Self.packedBytesMax, cluster.baseAddress, cluster.count)
    return ZSTD_isError(count) == 0 ? count : 0
  }

  private func deflated(
    _ cluster: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Int {
    guard let stream = unsafe zlib, unsafe !Noise.fills(cluster) else { return 0 }
    unsafe _ = deflateReset(stream)
    // Safe because: sizes are those of the buffers, or less, and the library moves within them.
    unsafe stream.pointee.next_in = UnsafeMutablePointer(
      mutating: cluster.bindMemory(to: UInt8.self).baseAddress)
    unsafe stream.pointee.avail_in = UInt32(cluster.count)
    unsafe stream.pointee.next_out = target.bindMemory(to: UInt8.self).baseAddress
    unsafe stream.pointee.avail_out = UInt32(Self.packedBytesMax)
    guard unsafe deflate(stream, Z_FINISH) == Z_STREAM_END else { return 0 }
    return unsafe Self.packedBytesMax - Int(stream.pointee.avail_out)
  }

  /// Raw deflate with a window of 4 KiB, which is all that QEMU's reader promises to keep: so the
  /// library is zlib, and not the faster one that knows no smaller window than 32 KiB.
  private static func deflating() -> UnsafeMutablePointer<z_stream>? {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    let result = unsafe deflateInit2_(
      stream, 1, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    if result == Z_OK { return unsafe stream }
    unsafe stream.deallocate()
    return nil
  }
}
