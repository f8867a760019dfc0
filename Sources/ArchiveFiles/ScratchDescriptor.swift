package import ArchiveBytes
import CLinux
import WriterKit

/// The scratch file of the host.
package final class ScratchDescriptor: ScratchFile {
  private let descriptor: Int32

  package init(_ descriptor: Int32) { self.descriptor = descriptor }

  package func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ArchiveError) {
    var done = 0
    while done < bytes.count {
      let result = unsafe clinux_pwrite(
        descriptor, bytes.baseAddress! + done, bytes.count - done, Int64(offset) + Int64(done))
      guard result > 0 else {
        let error = PluginError("writing the scratch file", errno: Int32(-result))
        throw ArchiveError(error.code, error.message, errno: error.errno)
      }
      done += result
    }
  }

  /// Takes the start of an archive, which was read before, and all that follows it.
  ///
  /// - Parameters:
  ///   - next: Fills a buffer with what follows; returns 0 at the end.
  ///   - onProgress: Called with bytes that were copied.
  package func fill(
    from start: [UInt8], then next: (UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int,
    onProgress: (Int) -> Void
  ) throws(ArchiveError) {
    let span = start.span
    try unsafe span.withUnsafeBytes { buffer throws(ArchiveError) in
      if buffer.count > 0 { try unsafe write(buffer, at: 0) }
    }
    var offset = UInt64(start.count)
    let passage = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { unsafe passage.deallocate() }
    while true {
      let count = try unsafe next(passage)
      if count == 0 { return }
      try unsafe write(UnsafeRawBufferPointer(rebasing: passage[..<count]), at: offset)
      offset += UInt64(count)
      onProgress(count)
    }
  }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) {
    let done = try unsafe readFully(descriptor, buffer, at: offset, "the scratch file")
    guard done == buffer.count else {
      throw ArchiveError(.io, "the scratch file is shorter than what was written to it")
    }
  }
}

/// Reads at a place of a file until the buffer is full or the file ends.
func readFully(
  _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64, _ name: String
) throws(ArchiveError) -> Int {
  var done = 0
  while done < buffer.count {
    let result = unsafe clinux_pread(
      descriptor, buffer.baseAddress! + done, buffer.count - done, Int64(offset) + Int64(done))
    if result < 0 {
      throw ArchiveError(PluginError("reading \(name)", errno: Int32(-result)))
    }
    if result == 0 { break }
    done += result
  }
  return done
}
