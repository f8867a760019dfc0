internal import CCompression
internal import ArchiveBytes
internal import BackupProtocol

/// Decompresses grains, each into as much room as a grain has: there is no bomb in it.
@safe final class GrainDecoder {
  private let decompressor: OpaquePointer
  /// Made for the first grain that is zstd.
  private var zstd: OpaquePointer?
  /// The grain that was decompressed last.
  let grain: UnsafeMutableRawBufferPointer
  /// Compressed bytes, for whoever reads them.
  let input: UnsafeMutableRawBufferPointer

  /// Bytes that a deflated grain may take: longer ones gain nothing.
  static func inputBytesMax(grainBytes: Int) -> Int { 2 * grainBytes + 1024 }

  init(grainBytes: Int) throws(ArchiveError) {
    guard let decompressor = unsafe libdeflate_alloc_decompressor() else {
      throw ArchiveError(.internal, "the compression library is out of memory")
    }
    unsafe self.decompressor = unsafe decompressor
    unsafe grain = .allocate(byteCount: grainBytes, alignment: 4096)
    unsafe input = .allocate(
      byteCount: Self.inputBytesMax(grainBytes: grainBytes) + 512, alignment: 4096)
  }

  deinit {
    unsafe libdeflate_free_decompressor(decompressor)
    unsafe _ = ZSTD_freeDCtx(zstd)
    unsafe grain.deallocate()
    unsafe input.deallocate()
  }

  /// Inflates from ``input``.
  ///
  /// - Returns: Bytes in ``grain``.
  /// - Throws: E_CORRUPT.
  func inflate(_ range: Range<Int>) throws(ArchiveError) -> Int {
    var count = 0
    let source = unsafe UnsafeRawBufferPointer(rebasing: input[range])
    // Safe because: both lengths are those of the buffers.
    let result = unsafe libdeflate_zlib_decompress(
      decompressor, source.baseAddress, source.count, grain.baseAddress, grain.count, &count)
    guard result == LIBDEFLATE_SUCCESS else {
      throw .corrupt("cannot decompress a grain of the VMDK")
    }
    return count
  }

  /// Inflates without a frame, where the end of the input is known only roughly.
  func inflateRaw(_ range: Range<Int>) throws(ArchiveError) {
    let source = unsafe UnsafeRawBufferPointer(rebasing: input[range])
    var taken = 0
    var count = 0
    let result = unsafe libdeflate_deflate_decompress_ex(
      decompressor, source.baseAddress, source.count, grain.baseAddress, grain.count, &taken,
      &count)
    guard result == LIBDEFLATE_SUCCESS, unsafe count == grain.count else {
      throw .corrupt("cannot decompress a cluster of the qcow2 image")
    }
  }

  /// 8 MiB: four times the largest cluster, so that no frame takes more memory.
  private static let windowLogMax: Int32 = 23

  /// Decompresses zstd, where the end of the input is known only roughly.
  func decompressZstd(_ range: Range<Int>) throws(ArchiveError) {
    if unsafe zstd == nil {
      unsafe zstd = ZSTD_createDCtx()
      unsafe _ = ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, Self.windowLogMax)
    }
    guard let context = unsafe zstd else {
      throw ArchiveError(.internal, "the compression library is out of memory")
    }
    unsafe _ = ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
    let given = unsafe UnsafeRawBufferPointer(rebasing: input[range])
    // Safe because: sizes are those of the buffers, and the library moves within them.
    var source = unsafe ZSTD_inBuffer(src: given.baseAddress, size: given.count, pos: 0)
    var target = unsafe ZSTD_outBuffer(dst: grain.baseAddress, size: grain.count, pos: 0)
    while unsafe target.pos < target.size {
      let before = unsafe (source.pos, target.pos)
      let result = unsafe ZSTD_decompressStream(context, &target, &source)
      guard ZSTD_isError(result) == 0, unsafe (source.pos, target.pos) != before else {
        throw .corrupt("cannot decompress a cluster of the qcow2 image")
      }
    }
  }
}
