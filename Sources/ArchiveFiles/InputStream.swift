import ArchiveBytes
import CLinux
import WriterKit

/// The bytes of descriptor 6 as they come, of a pipe or a file; the first of them can be looked at.
@safe final class InputStream: ByteSource {
  private let descriptor: Int32
  private(set) var position: UInt64 = 0
  /// Bytes that were looked at and not read yet.
  private var peeked: ArraySlice<UInt8> = []
  /// Everything that came, as long as it may have to be read again.
  private var kept: [UInt8] = []
  private var isKeeping = false
  /// What is skipped of a pipe goes here.
  private let waste: UnsafeMutableRawBufferPointer

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    unsafe waste = .allocate(byteCount: 64 << 10, alignment: 4096)
  }

  deinit { unsafe waste.deallocate() }

  /// The first bytes, fewer only if there are no more; to be called before anything is read.
  func peek(_ count: Int) throws(ArchiveError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: ArchiveError?
    let done = unsafe bytes.withUnsafeMutableBytes { buffer -> Int in
      do throws(ArchiveError) { return try unsafe readRaw(into: buffer) } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    peeked = bytes.prefix(done)
    return Array(peeked)
  }

  /// Keeps what comes from now on.
  func startKeeping() { isKeeping = true }

  /// What was kept is not needed any more.
  ///
  /// - Returns: It.
  func stopKeeping() -> [UInt8] {
    isKeeping = false
    defer { kept = [] }
    return kept
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let first = min(peeked.count, buffer.count)
    if first > 0 {
      unsafe buffer.copyBytes(from: peeked.prefix(first))
      peeked = peeked.dropFirst(first)
    }
    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[first...])
    let done = first + (try unsafe readRaw(into: rest))
    position += UInt64(done)
    return done
  }

  /// What comes behind all that was taken from the descriptor, looked at or not.
  func readOn(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    try unsafe readRaw(into: buffer)
  }

  func skip(_ count: Int) throws(ArchiveError) -> Int {
    try unsafe readAway(count, through: waste)
  }

  private func readRaw(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    var done = 0
    while done < buffer.count {
      let result = unsafe clinux_read(
        descriptor, buffer.baseAddress! + done, buffer.count - done)
      if result < 0 {
        throw ArchiveError(PluginError("reading the archive", errno: Int32(-result)))
      }
      if result == 0 { break }
      if isKeeping { unsafe kept.append(contentsOf: buffer[done..<(done + result)]) }
      done += result
    }
    return done
  }
}
