import ArchiveFiles
import Glibc
import TarFormat
import WriterKit

/// What goes into the archive, in whole blocks: memory of the host's as it lies there, everything
/// else by way of a buffer that is aligned for `O_DIRECT`.
@safe final class BlockOutput {
  private static let bufferBytes = 256 << 10

  private let output: any ArchiveOutput
  private let buffer: UnsafeMutableRawBufferPointer
  /// Bytes that wait in the buffer.
  private var waiting = 0
  /// Bytes that went in.
  private(set) var position: UInt64 = 0

  init(_ output: any ArchiveOutput) {
    self.output = output
    unsafe buffer = .allocate(byteCount: Self.bufferBytes, alignment: 4096)
  }

  deinit { unsafe buffer.deallocate() }

  /// Adds bytes of our own.
  func write(_ bytes: [UInt8]) throws(PluginError) { try unsafe copy(bytes.span.bytes) }

  /// Adds bytes of a frame; they may go back to the host when it returns.
  func write(_ bytes: RawSpan, isShared: Bool) throws(PluginError) {
    let whole = isShared ? bytes.byteCount / TarBlock.byteCount * TarBlock.byteCount : 0
    if whole > 0 && waiting % TarBlock.byteCount == 0 {
      try flush()
      try put(bytes.extracting(0..<whole))
      try copy(bytes.extracting(whole..<bytes.byteCount))
    } else {
      try copy(bytes)
    }
  }

  /// Adds zeros.
  func writeZeros(_ count: UInt64) throws(PluginError) {
    var left = count
    while left > 0 {
      let part = unsafe Int(min(left, UInt64(buffer.count - waiting)))
      unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[waiting..<(waiting + part)])
        .initializeMemory(as: UInt8.self, repeating: 0)
      try advance(part)
      left -= UInt64(part)
    }
  }

  /// Fills the last block of a member with zeros.
  func pad() throws(PluginError) {
    try writeZeros(UInt64(TarBlock.paddingBytes(behind: position)))
  }

  /// Everything is there.
  ///
  /// - Returns: Bytes of the archive.
  func finish() throws(PluginError) -> UInt64 {
    try flush()
    return try output.finish()
  }

  func abort() { output.abort() }

  private func copy(_ bytes: RawSpan) throws(PluginError) {
    var done = 0
    while done < bytes.byteCount {
      let part = unsafe min(bytes.byteCount - done, buffer.count - waiting)
      let piece = bytes.extracting(done..<(done + part))
      unsafe piece.withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[waiting...]).copyMemory(from: source)
      }
      try advance(part)
      done += part
    }
  }

  private func advance(_ count: Int) throws(PluginError) {
    waiting += count
    position += UInt64(count)
    if unsafe waiting == buffer.count { try flush() }
  }

  private func flush() throws(PluginError) {
    guard waiting > 0 else { return }
    let count = waiting
    waiting = 0
    try unsafe send(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
  }

  private func put(_ bytes: RawSpan) throws(PluginError) {
    var failure: PluginError?
    unsafe bytes.withUnsafeBytes { memory in
      do throws(PluginError) { try unsafe send(memory) } catch { failure = error }
    }
    if let failure { throw failure }
    position += UInt64(bytes.byteCount)
  }

  private func send(_ memory: UnsafeRawBufferPointer) throws(PluginError) {
    // Safe because: nobody writes to what an iovec names here.
    var piece = unsafe iovec(
      iov_base: UnsafeMutableRawPointer(mutating: memory.baseAddress), iov_len: memory.count)
    var failure: PluginError?
    unsafe withUnsafeMutablePointer(to: &piece) { pointer in
      do throws(PluginError) {
        try unsafe output.write(UnsafeMutableBufferPointer(start: pointer, count: 1))
      } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
