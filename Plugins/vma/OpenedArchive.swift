import CLinux
import Glibc
import System
import VMAFormat
import WriterKit

/// Descriptor 6 in read mode: what it is, and how its bytes are had.
struct OpenedArchive {
  /// Stands at the archive's start, decompressed.
  let source: any ByteSource
  /// The same, where every byte can be had at any time: an uncompressed file.
  private let file: FileSource?
  private let scratch: ScratchDescriptor?

  /// - Parameter scratch: A file for clusters that come too early, if the host gave one.
  init(_ input: Output, scratch: Int32?) throws(PluginError) {
    self.scratch = scratch.map { ScratchDescriptor($0) }
    let raw = InputStream(input.descriptor)
    let start = try plugin { () throws(ArchiveError) in try raw.peek(4) }
    switch start {
    case [0x28, 0xB5, 0x2F, 0xFD]:
      source = try ZstdSource(raw)
      file = nil
    case let bytes where bytes.starts(with: [0x1F, 0x8B]):
      source = try GzipSource(raw)
      file = nil
    case let bytes where bytes.starts(with: [0x89, 0x4C, 0x5A, 0x4F]):
      throw PluginError(
        .unsupported, "the archive is compressed with lzop; decompress it first (lzop -d)")
    default:
      file = input.kind == .file ? try FileSource(input.descriptor) : nil
      source = file ?? raw
    }
  }

  /// A pass from where the source stands, behind the header.
  func pass(_ header: ArchiveHeader) -> ArchivePass {
    let early: any EarlyPlace =
      if let file { ArchivePlaces(file, header.identifier) } else { KeptClusters(scratch: scratch) }
    return ArchivePass(header, source: source, early: early)
  }

  /// Goes back to the end of the header.
  ///
  /// - Returns: Whether this archive can go back.
  func rewind(behind header: ArchiveHeader) throws(PluginError) -> Bool {
    guard let file else { return false }
    file.rewind(to: UInt64(header.byteCount))
    return true
  }
}

/// The scratch file of the host.
final class ScratchDescriptor: ScratchFile {
  private let descriptor: Int32

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ArchiveError) {
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

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(ArchiveError) {
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
