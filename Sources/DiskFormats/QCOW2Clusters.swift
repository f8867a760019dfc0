internal import ArchiveBytes
internal import Glibc

/// Puts the bytes of a disk into memory, from wherever its clusters are.
@safe final class QCOW2Clusters {
  private let tables: QCOW2Tables
  private let source: SourceWindow
  private let decoder: GrainDecoder
  /// The compressed cluster that the decoder holds.
  private var decoded: UInt64?
  /// Bytes that may still be read: clusters that stand for many places of the disk would make much
  /// of a small file. Twice its length, for a salvage reads again.
  private var bytesLeft: UInt64 = 0

  init(_ tables: QCOW2Tables, _ source: SourceWindow) throws(ArchiveError) {
    self.tables = tables
    self.source = source
    decoder = try GrainDecoder(grainBytes: tables.header.clusterBytes)
  }

  /// The disk is going to be read once more, or a part of it.
  func startOver() { bytesLeft = 2 * source.byteCount }

  /// Whether nothing more can be read.
  var isExhausted: Bool { bytesLeft == 0 }

  /// Fills a buffer; what is not in the image becomes zeros.
  ///
  /// - Parameter start: Of the disk, which has all the bytes.
  /// - Throws: E_CORRUPT; what the source throws.
  func fill(
    _ buffer: UnsafeMutableRawBufferPointer, from start: UInt64
  ) throws(ArchiveError) {
    var done = 0
    while done < buffer.count {
      let place = start + UInt64(done)
      let run = try tables.run(at: place)
      var count = Int(min(run.byteCount, UInt64(buffer.count - done)))
      if case .plain(let offset) = run.place {
        count = try extended(count, offset, from: place, within: buffer.count - done)
      }
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + count)])
      switch run.place {
      case .nowhere, .zeros: unsafe part.initializeMemory(as: UInt8.self, repeating: 0)
      case .plain(let offset):
        try spend(count)
        try unsafe fetch(part, at: offset)
      case .packed(let offset, let length):
        try decode(place / UInt64(tables.header.clusterBytes), at: offset, length)
        let within = Int(place % UInt64(tables.header.clusterBytes))
        unsafe part.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: decoder.grain[within..<(within + count)]))
      }
      done += count
    }
  }

  /// Bytes that lie one behind the other in the file as they do in the disk: read at once.
  private func extended(
    _ first: Int, _ offset: UInt64, from place: UInt64, within most: Int
  ) throws(ArchiveError) -> Int {
    var count = first
    while count < most {
      let run = try tables.run(at: place + UInt64(count))
      guard run.place == .plain(offset + UInt64(count)) else { break }
      count += Int(min(run.byteCount, UInt64(most - count)))
    }
    return count
  }

  private func decode(_ cluster: UInt64, at offset: UInt64, _ length: Int) throws(ArchiveError) {
    if decoded == cluster { return }
    decoded = nil
    // It may end anywhere in its last sector.
    try spend(max(1, length - 511))
    try unsafe fetch(UnsafeMutableRawBufferPointer(rebasing: decoder.input[..<length]), at: offset)
    if tables.header.isZstd {
      try decoder.decompressZstd(0..<length)
    } else {
      try decoder.inflateRaw(0..<length)
    }
    decoded = cluster
  }

  private func spend(_ count: Int) throws(ArchiveError) {
    guard UInt64(count) <= bytesLeft else {
      bytesLeft = 0
      throw QCOW2Tables.shared
    }
    bytesLeft -= UInt64(count)
  }

  private func fetch(
    _ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError) {
    guard try unsafe source.read(into: buffer, at: offset) == buffer.count else {
      throw QCOW2Tables.cut
    }
  }
}
