package import ArchiveBytes
internal import BackupProtocol

/// A source that can be searched: what was read too far is put back.
@safe package final class SearchedSource: ByteSource {
  /// Small: whoever forges a start of an extent in every 512 bytes has it moved for each.
  private static let windowBytes = 8 << 10

  private let source: any ByteSource
  /// What was read of the source, and comes next.
  private var window: ArraySlice<UInt8> = []
  /// Why nothing more comes, if it is not the archive's end.
  private(set) var failure: ArchiveError?
  /// Why the last read came short, if what follows can be read all the same.
  private var gap: ArchiveError?
  /// It is not known how much is missing since the last search.
  private(set) var isAdrift = false

  package init(_ source: any ByteSource) { self.source = source }

  package var position: UInt64 { source.position - UInt64(window.count) }

  /// What the source cannot read is its end, as it is not known how far it has come; but of a file
  /// whose storage fails a part is missing.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let first = min(window.count, buffer.count)
    if first > 0 {
      unsafe buffer.copyBytes(from: window.prefix(first))
      window = window.dropFirst(first)
    }
    guard first < buffer.count, failure == nil else { return first }
    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[first...])
    do throws(ArchiveError) { return try unsafe first + source.read(into: rest) } catch {
      note(error)
      return first
    }
  }

  package func skip(_ count: Int) throws(ArchiveError) -> Int {
    let first = min(window.count, count)
    window = window.dropFirst(first)
    guard first < count, failure == nil else { return first }
    do throws(ArchiveError) { return try first + source.skip(count - first) } catch {
      note(error)
      return first
    }
  }

  private func note(_ error: ArchiveError) {
    if source is any ResumableSource && error.code == .corrupt {
      (gap, isAdrift) = (error, true)
    } else if source is any RandomSource && error.code == .io {
      gap = error
    } else {
      failure = error
    }
  }

  /// Passes over what the last read could not have.
  ///
  /// - Returns: Why, if there was anything.
  func skipGap() throws(ArchiveError) -> ArchiveError? {
    guard let gap else { return nil }
    self.gap = nil
    if let source = source as? any ResumableSource {
      source.resume()
      isAdrift = false
    } else if try skip(Layout.blockBytes) == 0 {
      // Storage that fails at the archive's end too would be tried for ever.
      failure = gap
    }
    return gap
  }

  /// Why the last read came short.
  func takeReason() -> String? {
    defer { if !isAdrift { gap = nil } }
    return (gap ?? failure)?.message
  }

  /// Puts bytes before those that come next.
  func putBack(_ bytes: ArraySlice<UInt8>) { window = bytes + window }

  /// Passes over everything before the next place of which `isStart` is true.
  ///
  /// - Parameters:
  ///   - count: Bytes that `isStart` looks at.
  /// - Returns: Whether there is such a place.
  func search(
    for first: UInt8, count: Int, _ isStart: (ArraySlice<UInt8>) -> Bool
  ) throws(ArchiveError) -> Bool {
    while try refill(atLeast: count) {
      var place = window.startIndex
      while let found = window[place...].firstIndex(of: first), found + count <= window.endIndex {
        if isStart(window[found..<(found + count)]) {
          window = window[found...]
          return true
        }
        place = found + 1
      }
      window = window.suffix(count - 1)
    }
    window = []
    return false
  }

  /// Reads on if there are fewer bytes.
  ///
  /// - Returns: Whether there are so many now.
  private func refill(atLeast count: Int) throws(ArchiveError) -> Bool {
    guard window.count < count, failure == nil else { return window.count >= count }
    let kept = window
    window = []
    var more = try readBytes(Self.windowBytes)
    while more.isEmpty {
      guard try skipGap() != nil else { break }
      more = try readBytes(Self.windowBytes)
    }
    window = kept + more
    return !more.isEmpty && window.count >= count
  }

  /// The next bytes, fewer only if there are no more.
  func readBytes(_ count: Int) throws(ArchiveError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    let done = try unsafe span.withUnsafeMutableBytes { buffer throws(ArchiveError) in
      try unsafe read(into: buffer)
    }
    bytes.removeLast(count - done)
    return bytes
  }
}
