package import BackupProtocol

/// The bytes of an archive, from its start to its end; compressed ones come out decompressed.
public protocol ByteSource: AnyObject {
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
public protocol RandomSource: ByteSource {
  /// Fills `buffer` from `offset`; the ``ByteSource/position`` stays.
  ///
  /// - Returns: Bytes read; fewer than asked for only at the end of the archive.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(ArchiveError)
    -> Int
}

/// A source that can go on behind what is damaged, without knowing how much of it is lost.
package protocol ResumableSource: ByteSource {
  /// Goes on after an error of ``read(into:)``, which is thrown until then.
  func resume()
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

  /// The next bytes are zeros, or as in the parent backup.
  ///
  /// - Parameter kind: `.zero` or `.hole`; `.unchanged` of an increment.
  func zeros(_ count: UInt64, _ kind: Extent.Kind) throws(ArchiveError)

  /// The next bytes; blocks that a mask leaves out are zeros, whatever `fill` leaves there.
  func data(
    _ count: Int, masks: Span<BlockMask>,
    _ fill: (inout MutableRawSpan) throws(ArchiveError) -> Void
  ) throws(ArchiveError)

  /// The next bytes are lost.
  ///
  /// - Throws: E_CORRUPT with that reason if damage is not wanted.
  func damaged(_ count: UInt64, _ reason: String) throws(ArchiveError)
}

extension ClusterSink {
  /// The next bytes are zeros.
  package func zeros(_ count: UInt64) throws(ArchiveError) { try zeros(count, .hole) }

  package func damaged(_ count: UInt64, _ reason: String) throws(ArchiveError) {
    throw .corrupt(reason)
  }
}

extension ByteSource {
  /// Passes over bytes by reading them, for sources that can do no better.
  ///
  /// - Parameter waste: Takes them; not empty.
  /// - Returns: As ``skip(_:)``.
  public func readAway(
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
  public func fill(
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
  public func pass(_ count: Int, of what: String) throws(ArchiveError) {
    if count == 0 { return }
    guard try skip(count) == count else {
      throw .corrupt("the archive ends inside \(what)")
    }
  }
}

extension RandomSource {
  /// Reads exactly `count` bytes of `span` from `start`, which are at `offset`.
  package func fill(
    _ span: inout MutableRawSpan, from start: Int, count: Int, at offset: UInt64, of what: String
  ) throws(ArchiveError) {
    if count == 0 { return }
    var failure: ArchiveError?
    let done = unsafe span.withUnsafeMutableBytes { buffer -> Int in
      do throws(ArchiveError) {
        return unsafe try read(
          into: UnsafeMutableRawBufferPointer(rebasing: buffer[start..<(start + count)]),
          at: offset)
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    guard done == count else { throw .corrupt("the archive ends inside \(what)") }
  }
}
