import ArchiveBytes
import CCompression
import WriterKit

/// Decompresses zstd: frames of any number, skippable ones too; checksums are checked.
@safe final class ZstdDecoder: Decoder {
  /// 128 MiB: what `zstd -d` takes without being asked, and what our memory is made for.
  private static let windowLogMax: Int32 = 27

  private let context: OpaquePointer

  init() throws(PluginError) {
    guard let context = unsafe ZSTD_createDCtx() else {
      throw PluginError(.internal, "the decompressing library has no memory")
    }
    unsafe self.context = unsafe context
    unsafe _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLogMax)
  }

  deinit { unsafe _ = ZSTD_freeDCtx(context) }

  func step(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(ArchiveError) -> (taken: Int, put: Int, isAtEnd: Bool) {
    // Safe because: sizes are those of the buffers, and the library moves within them.
    var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = unsafe ZSTD_decompressStream(context, &target, &source)
    guard ZSTD_isError(result) == 0 else {
      // Not damage: `zstd --long` makes such archives.
      guard ZSTD_getErrorCode(result) != ZSTD_error_frameParameter_windowTooLarge else {
        throw ArchiveError(
          .unsupported,
          "the archive is compressed with a zstd window above 128 MiB, the limit; decompress it "
            + "(zstd -dc --long=31 < ARCHIVE | sluice … -)")
      }
      let name = unsafe String(cString: ZSTD_getErrorName(result))
      throw ArchiveError(.corrupt, "the archive cannot be decompressed: \(name)")
    }
    return unsafe (source.pos, target.pos, result == 0)
  }
}

/// An archive that is compressed with zstd.
func ZstdSource(_ stream: any ByteSource) throws(PluginError) -> DecompressedSource {
  DecompressedSource(stream, try ZstdDecoder())
}
