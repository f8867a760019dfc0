package import Glibc
import System

/// Memory on its way into a member, and which parts of it are written and hashed.
///
/// Passed to and fro between the writer's thread and a hashing one, if there is one: the latter may
/// read it from ``startHashing()`` until ``awaitHashed()``, and meanwhile nobody changes it. Hence
/// `@unchecked Sendable`.
@safe package final class MemberBlock: @unchecked Sendable {
  package let memory: UnsafeMutableRawBufferPointer
  private let written: UnsafeMutableBufferPointer<iovec>
  private let hashed: UnsafeMutableBufferPointer<iovec>
  private var writtenCount = 0
  private var hashedCount = 0
  private let isDone = Gate()
  private var isHashing = false

  /// - Parameters:
  ///   - byteCount: A multiple of 512.
  ///   - pieces: That it may be cut into.
  package init(byteCount: Int, pieces: Int) {
    unsafe memory = .allocate(byteCount: byteCount, alignment: 4096)
    unsafe written = .allocate(capacity: pieces)
    unsafe hashed = .allocate(capacity: pieces)
  }

  deinit {
    unsafe memory.deallocate()
    unsafe written.deallocate()
    unsafe hashed.deallocate()
  }

  /// Has something to hash.
  package var isHashed: Bool { hashedCount > 0 }

  /// Adds memory after what was added, of this block.
  ///
  /// - Parameter isMember: Bytes of a member, and not of a header or of padding.
  package func add(_ range: Range<Int>, isMember: Bool) {
    guard !range.isEmpty, let base = unsafe memory.baseAddress else { return }
    let piece = unsafe iovec(iov_base: base + range.lowerBound, iov_len: range.count)
    unsafe Self.append(piece, to: written, &writtenCount)
    if isMember { unsafe Self.append(piece, to: hashed, &hashedCount) }
  }

  /// What is to be written; changed on the way.
  package var pieces: UnsafeMutableBufferPointer<iovec> {
    unsafe UnsafeMutableBufferPointer(rebasing: written[..<writtenCount])
  }

  /// Empties it, when it is hashed.
  package func clear() {
    awaitHashed()
    (writtenCount, hashedCount) = (0, 0)
  }

  /// Goes to the hashing thread.
  package func startHashing() { isHashing = true }

  /// The hashing thread has done with it.
  package func finishHashing() { isDone.open() }

  /// Waits until the memory may be changed.
  package func awaitHashed() {
    guard isHashing else { return }
    isDone.pass()
    isHashing = false
  }

  package func forEachHashed(_ body: (UnsafeRawBufferPointer) -> Void) {
    for place in 0..<hashedCount {
      unsafe body(
        UnsafeRawBufferPointer(start: hashed[place].iov_base, count: hashed[place].iov_len))
    }
  }

  /// Adds a piece, to the one before if it follows that.
  private static func append(
    _ piece: iovec, to list: UnsafeMutableBufferPointer<iovec>, _ count: inout Int
  ) {
    if count > 0, let base = unsafe list[count - 1].iov_base,
      unsafe base + list[count - 1].iov_len == piece.iov_base
    {
      unsafe list[count - 1].iov_len += piece.iov_len
      return
    }
    unsafe list[count] = piece
    count += 1
  }
}
