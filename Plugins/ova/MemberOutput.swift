import ArchiveFiles
import TarFormat
import WriterKit

/// The members of an archive on their way out: hashed, in whole blocks of 512 bytes, from memory
/// that is aligned for `O_DIRECT`.
@safe final class MemberOutput {
  private static let blockBytes = 256 << 10

  private let target: PlainOutput
  private let hash = MemberHash()
  /// In turn: one is filled while the other is hashed.
  private let blocks = (0..<2).map { _ in MemberBlock(byteCount: blockBytes, pieces: 64) }
  private var current = 0
  /// Bytes in the current block.
  private var waiting = 0
  /// Bytes of the archive so far.
  private(set) var position: UInt64 = 0
  private var memberStart: UInt64 = 0

  init(_ target: PlainOutput) { self.target = target }

  func start() throws(PluginError) { try hash.start() }

  /// Bytes of the open member so far.
  var memberBytes: UInt64 { position - memberStart }

  /// Begins a member.
  ///
  /// - Returns: Where its header is.
  func begin(_ header: [UInt8]) throws(PluginError) -> UInt64 {
    let start = position
    try append(header, isMember: false)
    memberStart = position
    return start
  }

  /// Adds bytes of the member.
  func write(_ bytes: [UInt8]) throws(PluginError) { try append(bytes, isMember: true) }

  /// Adds bytes of the host's, which may have them back when this returns.
  func write(_ bytes: RawSpan) throws(PluginError) { try append(bytes, isMember: true) }

  /// Adds zeros of the member.
  func writeZeros(_ count: UInt64) throws(PluginError) {
    let zeros = [UInt8](repeating: 0, count: Int(min(count, UInt64(Self.blockBytes))))
    var left = count
    while left > 0 {
      let part = Int(min(left, UInt64(zeros.count)))
      try append(unsafe zeros.span.bytes.extracting(0..<part), isMember: true)
      left -= UInt64(part)
    }
  }

  /// Adds a block of the member: whole blocks of 512 bytes. It is hashed still when this returns.
  func write(_ block: MemberBlock, bytes: Int) throws(PluginError) {
    try flush()
    position += UInt64(bytes)
    try send(block)
  }

  /// Ends the member.
  ///
  /// - Returns: Its SHA-256.
  func finishMember() throws(PluginError) -> [UInt8] {
    let padding = TarBlock.paddingBytes(behind: memberBytes)
    try append([UInt8](repeating: 0, count: padding), isMember: false)
    try flush()
    return hash.finish()
  }

  /// A whole member.
  ///
  /// - Returns: Its SHA-256.
  func member(_ header: [UInt8], _ bytes: [UInt8]) throws(PluginError) -> [UInt8] {
    _ = try begin(header)
    try write(bytes)
    return try finishMember()
  }

  /// Ends the archive.
  ///
  /// - Returns: Its bytes.
  func finish() throws(PluginError) -> UInt64 {
    try append(TarBlock.end, isMember: false)
    try flush()
    hash.stop()
    return try target.finish()
  }

  /// Ends the thread.
  func stop() { hash.stop() }

  private func append(_ bytes: [UInt8], isMember: Bool) throws(PluginError) {
    try append(unsafe bytes.span.bytes, isMember: isMember)
  }

  private func append(_ bytes: RawSpan, isMember: Bool) throws(PluginError) {
    var done = 0
    while done < bytes.byteCount {
      let block = blocks[current]
      if waiting == 0 { block.clear() }
      let count = min(bytes.byteCount - done, Self.blockBytes - waiting)
      let range = waiting..<(waiting + count)
      unsafe bytes.extracting(done..<(done + count)).withUnsafeBytes { source in
        unsafe UnsafeMutableRawBufferPointer(rebasing: block.memory[range])
          .copyMemory(from: source)
      }
      block.add(range, isMember: isMember)
      waiting += count
      done += count
      position += UInt64(count)
      if waiting == Self.blockBytes { try flush() }
    }
  }

  private func flush() throws(PluginError) {
    guard waiting > 0 else { return }
    waiting = 0
    let block = blocks[current]
    current = (current + 1) % blocks.count
    try send(block)
  }

  private func send(_ block: MemberBlock) throws(PluginError) {
    hash.add(block)
    try unsafe target.write(block.pieces)
  }
}
