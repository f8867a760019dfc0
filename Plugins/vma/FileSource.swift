import System
import VMAFormat
import WriterKit

/// An uncompressed archive in a file.
final class FileSource: RandomSource {
  private let descriptor: Int32
  /// Bytes, as of the start.
  private let size: UInt64
  private(set) var position: UInt64 = 0

  init(_ descriptor: Int32) throws(PluginError) {
    self.descriptor = descriptor
    do {
      size = UInt64(max(0, try FileStatus(descriptor: descriptor, subject: "the archive").size))
    } catch { throw PluginError("opening the archive", error) }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let done = try unsafe read(into: buffer, at: position)
    position += UInt64(done)
    return done
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) -> Int {
    try unsafe readFully(descriptor, buffer, at: offset, "the archive")
  }

  func skip(_ count: Int) throws(ArchiveError) -> Int {
    let done = min(UInt64(count), size > position ? size - position : 0)
    position += done
    return Int(done)
  }

  func rewind(to offset: UInt64) { position = offset }
}
