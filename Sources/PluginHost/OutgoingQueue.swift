internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import SharedPool
internal import System

/// Frames on their way to a plugin, with inline data spliced in between; never blocks.
///
/// Frames go through a small buffer. The bytes of an inline DATA stay in their slot and are
/// written from there, right after the frame that announces them.
struct OutgoingQueue: ~Copyable {
  var frames = FrameWriter()
  /// Owned; -1 once it is closed.
  private(set) var descriptor: Int32
  private let pool: SharedPool?
  private var tap: FrameTap?
  private var splices: [Splice] = []
  private var framesWritten: UInt64 = 0
  private var framesQueued: UInt64 { framesWritten + UInt64(frames.pendingCount) }

  /// What /proc/sys/fs/pipe-max-size says unless it was changed.
  private static let wideBytes: Int32 = 1 << 20

  /// Slot bytes that go out once so many bytes of frames have gone.
  private struct Splice {
    let position: UInt64
    let slot: Int
    var done: Int
    let length: Int
  }

  /// - Parameters:
  ///   - pipe: Write end of the plugin's descriptor 3, non-blocking.
  ///   - tap: Sees every byte that goes out.
  init(pipe: consuming OwnedDescriptor, pool: SharedPool?, tap: consuming FrameTap? = nil) {
    descriptor = pipe.release()
    self.pool = pool
    self.tap = tap
    splices.reserveCapacity(pool?.shape.slotCount ?? 0)
  }

  deinit { if descriptor >= 0 { _ = clinux_close(descriptor) } }

  /// Makes the pipe as large as everybody may make one: with inline data, each time it is full is a
  /// turn from one process to the other. A kernel that refuses leaves it as it is.
  func widen() { _ = clinux_set_pipe_capacity(descriptor, Self.wideBytes) }

  /// Closes the pipe: the plugin reads the end of its input. What still waits is dropped.
  mutating func close() {
    if descriptor >= 0 { _ = clinux_close(descriptor) }
    descriptor = -1
    splices.removeAll()
  }

  var isEmpty: Bool { frames.pendingCount == 0 && splices.isEmpty }

  /// Whether more frames should wait: the plugin reads slowly.
  var isFull: Bool { frames.pendingCount > 64 << 10 }

  /// Queues the bytes of a slot after the frame that was appended last.
  mutating func splice(slot: Int, length: Int) {
    splices.append(Splice(position: framesQueued, slot: slot, done: 0, length: length))
  }

  /// Writes what the pipe takes now.
  ///
  /// - Returns: Whether anything moved.
  /// - Throws: `EPIPE` when the plugin has closed its end.
  mutating func flush() throws(SystemCallError) -> Bool {
    var moved = false
    while !isEmpty {
      let count = try writeOnce()
      if count == 0 { break }
      moved = true
    }
    return moved
  }

  private mutating func writeOnce() throws(SystemCallError) -> Int {
    guard let splice = splices.first, splice.position == framesWritten else {
      return try writeFrames(until: splices.first?.position)
    }
    guard let pool else { return 0 }
    let bytes = unsafe pool.unsafeBytes(slot: splice.slot)
    let count = try Self.accepted(
      unsafe clinux_write(
        descriptor, bytes.baseAddress! + splice.done, splice.length - splice.done))
    unsafe tap?.pass(
      UnsafeRawBufferPointer(rebasing: bytes[splice.done..<(splice.done + count)]))
    splices[0].done += count
    if splices[0].done == splice.length { splices.removeFirst() }
    return count
  }

  private mutating func writeFrames(until position: UInt64?) throws(SystemCallError) -> Int {
    let most = position.map { Int($0 - framesWritten) } ?? Int.max
    let raw = descriptor
    var tap = tap.take()
    defer { self.tap = tap.take() }
    let count = try unsafe frames.drain { (buffer) throws(SystemCallError) -> Int in
      guard let base = buffer.baseAddress else { return 0 }
      let count = try Self.accepted(unsafe clinux_write(raw, base, min(buffer.count, most)))
      unsafe tap?.pass(UnsafeRawBufferPointer(start: base, count: count))
      return count
    }
    framesWritten += UInt64(count)
    return count
  }

  /// A full pipe is no error: it took nothing.
  private static func accepted(_ result: Int) throws(SystemCallError) -> Int {
    result == -Int(EAGAIN) ? 0 : try check(result, .write, "the plugin's pipe")
  }
}
