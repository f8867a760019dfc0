import CCompression
import WriterKit

/// Compresses blocks, each of which can be decompressed by itself. One thread owns it.
protocol BlockCodec: AnyObject {
  /// - Parameter output: ``CodecShape/outputBytes`` long.
  /// - Returns: Bytes in `output`; `nil` if the library failed.
  func compress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int?
}

/// Which library, how hard it tries, and how much memory its blocks take.
struct CodecShape: Sendable {
  let makeCodec: @Sendable () -> (any BlockCodec)?
  /// Bytes of a block before and, at most, after.
  let inputBytes: Int
  let outputBytes: Int
}

extension CodecShape {
  /// Frames of 4 MiB, one behind the other, as the format of zstd allows: every decoder reads on.
  /// The window is a frame, so a reader needs no more memory than that.
  ///
  /// - Parameter isAligned: Every block fills whole sectors; see ``Padding``.
  static func zstd(level: Int32, isAligned: Bool) -> CodecShape {
    let bytes = 4 << 20
    return CodecShape(
      makeCodec: { ZstdCodec(level: level, isAligned: isAligned) }, inputBytes: bytes,
      outputBytes: ZSTD_compressBound(bytes) + Padding.bytesMax)
  }

  /// Members of 1 MiB, one behind the other, as the format of gzip allows.
  static func gzip(level: Int32) -> CodecShape {
    let bytes = 1 << 20
    return CodecShape(
      makeCodec: { GzipCodec(level: level) }, inputBytes: bytes,
      outputBytes: libdeflate_gzip_compress_bound(nil, bytes))
  }
}

@safe private final class ZstdCodec: BlockCodec {
  private let context: OpaquePointer
  private let isAligned: Bool

  init?(level: Int32, isAligned: Bool) {
    guard let context = unsafe ZSTD_createCCtx() else { return nil }
    unsafe self.context = unsafe context
    self.isAligned = isAligned
    unsafe _ = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
    unsafe _ = ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  }

  deinit { unsafe _ = ZSTD_freeCCtx(context) }

  func compress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Int? {
    // Safe because: both lengths are those of the buffers, less room for the padding.
    let count = unsafe ZSTD_compress2(
      context, output.baseAddress, output.count - Padding.bytesMax, input.baseAddress, input.count)
    guard ZSTD_isError(count) == 0 else { return nil }
    return isAligned ? unsafe Padding.add(behind: count, in: output) : count
  }
}

@safe private final class GzipCodec: BlockCodec {
  private let compressor: OpaquePointer

  init?(level: Int32) {
    guard let compressor = unsafe libdeflate_alloc_compressor(level) else { return nil }
    unsafe self.compressor = unsafe compressor
  }

  deinit { unsafe libdeflate_free_compressor(compressor) }

  func compress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Int? {
    // Safe because: both lengths are those of the buffers.
    let count = unsafe libdeflate_gzip_compress(
      compressor, input.baseAddress, input.count, output.baseAddress, output.count)
    return count > 0 ? count : nil
  }
}
