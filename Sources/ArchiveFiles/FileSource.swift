public import ArchiveBytes
import System
public import WriterKit

/// An uncompressed archive in a file.
public final class FileSource: RandomSource {
  private let descriptor: Int32
  /// Bytes, as of the start.
  private let size: UInt64
  /// Where ``read(into:)`` goes on.
  public private(set) var position: UInt64 = 0

  /// - Parameter descriptor: Open for reading, as ``Input/descriptor``.
  public init(_ descriptor: Int32) throws(PluginError) {
    self.descriptor = descriptor
    do {
      size = UInt64(max(0, try FileStatus(descriptor: descriptor, subject: "the archive").size))
    } catch { throw PluginError("opening the archive", error) }
  }

  /// Fills `buffer`, and goes on behind it.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let done = try unsafe read(into: buffer, at: position)
    position += UInt64(done)
    return done
  }

  /// Fills `buffer` from a place of the file.
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) -> Int {
    try unsafe readFully(descriptor, buffer, at: offset, "the archive")
  }

  /// The first bytes, fewer only if there are no more.
  func start(_ count: Int) throws(ArchiveError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: ArchiveError?
    let done = unsafe bytes.withUnsafeMutableBytes { buffer -> Int in
      do throws(ArchiveError) { return try unsafe read(into: buffer, at: 0) } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    return Array(bytes.prefix(done))
  }

  /// Goes on behind `count` bytes, or at the end.
  public func skip(_ count: Int) throws(ArchiveError) -> Int {
    let done = min(UInt64(count), size > position ? size - position : 0)
    position += done
    return Int(done)
  }

  /// Goes on at a place of the file.
  public func rewind(to offset: UInt64) { position = offset }
}
