import ArchiveBytes
import Hashing
import WriterKit

/// The bytes of one member as they go by, hashed on their way.
@safe final class MemberSource: ByteSource {
  private let source: any ByteSource
  private let byteCount: UInt64
  private var hash: NamedHash
  private let waste: UnsafeMutableRawBufferPointer
  private(set) var position: UInt64 = 0
  /// Called with bytes that went by unseen.
  var onPassing: (UInt64) -> Void = { _ in }

  /// - Parameter source: Stands at the member's first byte.
  init(_ source: any ByteSource, byteCount: UInt64, _ algorithm: NamedHash.Algorithm) {
    self.source = source
    self.byteCount = byteCount
    hash = NamedHash(algorithm)
    unsafe waste = .allocate(byteCount: 256 << 10, alignment: 4096)
  }

  deinit { unsafe waste.deallocate() }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    let count = Int(min(UInt64(buffer.count), byteCount - position))
    let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
    guard try unsafe source.read(into: part) == count else {
      throw .corrupt("the archive ends inside a member")
    }
    unsafe hash.update(UnsafeRawBufferPointer(part))
    position += UInt64(count)
    return count
  }

  func skip(_ count: Int) throws(ArchiveError) -> Int {
    try unsafe readAway(count, through: waste)
  }

  /// Reads to the member's end.
  ///
  /// - Returns: The digest of the whole member.
  func finish() throws(ArchiveError) -> [UInt8] {
    while position < byteCount {
      onPassing(UInt64(try unsafe read(into: waste)))
    }
    return hash.finish()
  }

  /// The whole of a small member.
  func content() throws(ArchiveError) -> [UInt8] {
    var bytes: [UInt8] = []
    // In steps: what a header announces need not be there.
    while position < byteCount {
      let count = try unsafe read(into: waste)
      unsafe bytes.append(contentsOf: waste[..<count])
    }
    return bytes
  }
}
