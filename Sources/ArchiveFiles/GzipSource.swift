package import ArchiveBytes
import CCompression
package import WriterKit

/// Decompresses gzip: members of any number; checksums and lengths are checked.
@safe final class GzipDecoder: Decoder {
  private let stream: UnsafeMutablePointer<z_stream>
  private var isBetweenMembers = false

  init() throws(PluginError) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    // 15 bits of window, 16: gzip only.
    let result = unsafe inflateInit2_(
      stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard result == Z_OK else {
      throw PluginError(.internal, "the decompressing library has no memory")
    }
  }

  deinit {
    unsafe _ = inflateEnd(stream)
    unsafe stream.deallocate()
  }

  func step(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(ArchiveError) -> (taken: Int, put: Int, isAtEnd: Bool) {
    if isBetweenMembers {
      isBetweenMembers = false
      unsafe _ = inflateReset(stream)
    }
    // Safe because: sizes are those of the buffers, and the library moves within them.
    unsafe stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.bindMemory(to: UInt8.self).baseAddress)
    unsafe stream.pointee.avail_in = UInt32(input.count)
    unsafe stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
    let room = UInt32(clamping: output.count)
    unsafe stream.pointee.avail_out = room
    let result = unsafe inflate(stream, Z_NO_FLUSH)
    guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else {
      let reason = unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "error \(result)"
      throw ArchiveError(.corrupt, "the archive cannot be decompressed: \(reason)")
    }
    isBetweenMembers = result == Z_STREAM_END
    return unsafe (
      input.count - Int(stream.pointee.avail_in), Int(room - stream.pointee.avail_out),
      isBetweenMembers
    )
  }
}

/// An archive that is compressed with gzip.
func GzipSource(_ stream: any ByteSource) throws(PluginError) -> DecompressedSource {
  DecompressedSource(stream, try GzipDecoder())
}

/// The bytes of a gzip stream inside an archive.
package func gunzipped(_ stream: any ByteSource) throws(PluginError) -> any ByteSource {
  try GzipSource(stream)
}
