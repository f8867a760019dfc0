import ArchiveBytes
import ArchiveFiles
import WriterKit

/// An archive that cannot go back, and its start, until it is known whether that is needed again.
final class SpooledStart: ByteSource {
  /// Bytes of headers and of a descriptor that may come before it is known.
  private static let byteCountMax = 80 << 20

  private let source: any ByteSource
  private var kept: [UInt8]? = []

  init(_ source: any ByteSource) { self.source = source }

  var position: UInt64 { source.position }

  /// The start is not needed again.
  func forget() { kept = nil }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let count = try unsafe source.read(into: buffer)
    if let there = kept?.count {
      guard there + count <= Self.byteCountMax else {
        throw ArchiveError(.tooLarge, "the headers before the first member exceed 80 MiB")
      }
      unsafe kept?.append(contentsOf: buffer[..<count])
    }
    return count
  }

  func skip(_ count: Int) throws(ArchiveError) -> Int {
    if kept == nil { return try source.skip(count) }
    let waste = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    defer { unsafe waste.deallocate() }
    return try unsafe readAway(count, through: waste)
  }

  /// Copies the whole archive, decompressed, to the scratch file.
  func spool(_ host: Host) throws(PluginError) -> FileSource {
    guard let descriptor = host.scratch else {
      throw PluginError(
        .unsupported,
        "this appliance cannot be read as a stream; decompress it into a file")
    }
    host.busy(milliseconds: 600_000, "copying an appliance that cannot be read as a stream")
    let work = LongWork(host)
    let start = kept ?? []
    kept = nil
    try plugin { () throws(ArchiveError) in
      try unsafe ScratchDescriptor(descriptor).fill(
        from: start,
        then: { buffer throws(ArchiveError) in try unsafe source.read(into: buffer) },
        onProgress: { work.heed(UInt64($0), "copying the appliance") })
    }
    return try FileSource(descriptor)
  }
}
