import CLinux
import Glibc
import System
package import WriterKit

/// A file of an archive that is being read. Never a link, a device or a pipe.
package struct InputFile: ~Copyable {
  package let name: String
  /// Bytes.
  package let size: UInt64
  private let file: OwnedDescriptor

  package init(opening name: String, in directory: Int32) throws(PluginError) {
    let opened = try Self.open(name, in: directory)
    let status: FileStatus
    do { status = try FileStatus(descriptor: opened.raw, subject: name) } catch {
      throw PluginError("opening \(name)", error)
    }
    guard status.kind == .regular else {
      throw PluginError(.corrupt, "\(name) is not a regular file")
    }
    self.name = name
    size = UInt64(max(0, status.size))
    file = opened
  }

  private static func open(
    _ name: String, in directory: Int32
  ) throws(PluginError) -> OwnedDescriptor {
    do {
      // Not blocking: a pipe in place of the file must not hold us up before we look at it.
      return try openFile(name, in: directory, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    } catch {
      switch error.code {
      case ENOENT: throw PluginError(.notFound, "\(name) is missing")
      case ELOOP: throw PluginError(.corrupt, "\(name) is a symbolic link")
      default: throw PluginError("opening \(name)", error)
      }
    }
  }

  /// Reads exactly the bytes of `span`.
  package func read(into span: inout MutableRawSpan, at offset: UInt64) throws(PluginError) {
    let count = span.byteCount
    let done = try unsafe span.withUnsafeMutableBytes { buffer throws(PluginError) in
      try unsafe read(upTo: buffer, at: offset)
    }
    guard done == count else { throw PluginError(.corrupt, "\(name) is truncated") }
  }

  /// Fills a buffer, as far as the file goes.
  ///
  /// - Returns: Bytes read.
  package func read(
    upTo buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(PluginError) -> Int {
    do { return unsafe try file.readAll(into: buffer, at: Int64(offset), subject: name) } catch {
      throw PluginError("reading \(name)", error)
    }
  }

  /// The whole of a small file.
  package func readAll(limit: Int) throws(PluginError) -> [UInt8] {
    guard size <= UInt64(limit) else {
      throw PluginError(.corrupt, "\(name) has \(size) bytes: too many")
    }
    var bytes = [UInt8](repeating: 0, count: Int(size))
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    try read(into: &raw, at: 0)
    return bytes
  }

  /// The next range that is no hole, at or after `offset` and before `end`; `nil` if only holes
  /// follow.
  package func nextData(from offset: UInt64, end: UInt64) throws(PluginError) -> Range<UInt64>? {
    let start = clinux_seek_data(file.raw, Int64(offset))
    if start == -Int64(ENXIO) { return nil }
    let hole = start < 0 ? start : clinux_seek_hole(file.raw, start)
    guard hole >= 0 else {
      throw PluginError("looking for holes in \(name)", errno: Int32(-hole))
    }
    guard start >= offset, hole > start else {
      throw PluginError(.corrupt, "\(name) changed while being read")
    }
    return start < end ? UInt64(start)..<min(end, UInt64(hole)) : nil
  }
}
