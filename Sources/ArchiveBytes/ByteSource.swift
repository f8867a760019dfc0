/// The bytes of an archive, from its start to its end; compressed ones come out decompressed.
package protocol ByteSource: AnyObject {
  /// Bytes that have been read or skipped.
  var position: UInt64 { get }

  /// Fills `buffer`.
  ///
  /// - Returns: Bytes read; fewer than asked for only at the end of the archive.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int

  /// Passes over `count` bytes.
  ///
  /// - Returns: Bytes there were; fewer than asked for only at the end of the archive.
  func skip(_ count: Int) throws(ArchiveError) -> Int
}

/// An archive whose bytes can be read at any place, too.
package protocol RandomSource: ByteSource {
  /// Fills `buffer` from `offset`; the ``ByteSource/position`` stays.
  ///
  /// - Returns: Bytes read; fewer than asked for only at the end of the archive.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError)
    -> Int
}

/// Room beside the memory, for clusters that come long before their turn.
package protocol ScratchFile: AnyObject {
  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ArchiveError)
  /// Fills `buffer` with what was written there.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(ArchiveError)
}

/// Where a device goes, in order and without gap.
package protocol ClusterSink: AnyObject {
  /// Bytes of the largest piece; a multiple of 64 KiB.
  var pieceBytesMax: Int { get }

  /// The next bytes are zeros.
  func zeros(_ count: UInt64) throws(ArchiveError)

  /// The next bytes; blocks whose mask bit is clear are zeros, whatever `fill` leaves there.
  func data(
    _ count: Int, masks: Span<UInt16>,
    _ fill: (inout MutableRawSpan) throws(ArchiveError) -> Void
  ) throws(ArchiveError)
}

extension ByteSource {
  /// Passes over bytes by reading them, for sources that can do no better.
  ///
  /// - Parameter waste: Takes them; not empty.
  /// - Returns: As ``skip(_:)``.
  package func readAway(
    _ count: Int, through waste: UnsafeMutableRawBufferPointer
  ) throws(ArchiveError) -> Int {
    var done = 0
    while done < count {
      let part = min(count - done, waste.count)
      let result = try unsafe read(
        into: UnsafeMutableRawBufferPointer(rebasing: waste[..<part]))
      done += result
      if result < part { break }
    }
    return done
  }

  /// Reads exactly `count` bytes of `span` from `start`.
  package func fill(
    _ span: inout MutableRawSpan, from start: Int, count: Int, of what: String
  ) throws(ArchiveError) {
    var failure: ArchiveError?
    let done = unsafe span.withUnsafeMutableBytes { buffer -> Int in
      do throws(ArchiveError) {
        return unsafe try read(
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[start..<(start + count)]))
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    guard done == count else { throw .corrupt("the archive ends inside \(what)") }
  }

  /// Passes over exactly `count` bytes.
  package func pass(_ count: Int, of what: String) throws(ArchiveError) {
    if count == 0 { return }
    guard try skip(count) == count else {
      throw .corrupt("the archive ends inside \(what)")
    }
  }
}
