import ArchiveBytes
import ArchiveFiles
import DiskFormats
import RawFormat
import WriterKit

/// An image's file, as the format reads it.
final class ImageSource: RandomSource {
  private let file: InputFile
  private(set) var position: UInt64 = 0

  init(_ file: consuming InputFile) { self.file = file }

  /// All of it.
  var window: SourceWindow { SourceWindow(self, start: 0, byteCount: file.size) }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let done = try unsafe read(into: buffer, at: position)
    position += UInt64(done)
    return done
  }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) -> Int {
    do { return try unsafe file.read(upTo: buffer, at: offset) } catch {
      throw ArchiveError(error)
    }
  }

  func skip(_ count: Int) throws(ArchiveError) -> Int {
    let done = min(UInt64(count), file.size - min(file.size, position))
    position += done
    return Int(done)
  }
}
