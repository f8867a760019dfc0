internal import CHashing

/// SHA-256 of two messages of one length at once, where the processor can interleave them.
///
/// Nearly twice as fast as one after the other; libcrypto has no such call (decision record 0009).
/// Where the processor lacks the SHA extensions, and for odd lengths, libcrypto does both in turn.
@safe public enum SHA256Pair {
  /// Whether two messages cost little more than one on this machine.
  public static let isNative = chashing_has_pairs() != 0

  /// Hashes both messages, which a caller vouches for, into 32 bytes of memory each.
  ///
  /// - Parameters:
  ///   - first, second: Of the same length in bytes, which may be 0.
  ///   - firstDigest, secondDigest: 32 bytes each.
  public static func hash(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer,
    into firstDigest: UnsafeMutableRawPointer, _ secondDigest: UnsafeMutableRawPointer
  ) {
    precondition(first.count == second.count, "a pair of messages has one length")
    let blockBytes = Int(CHASHING_BLOCK_BYTES)
    guard isNative, first.count > 0, first.count % blockBytes == 0,
      let start = first.baseAddress, let otherStart = second.baseAddress
    else {
      var hash = SHA256()
      unsafe hash.update(first)
      unsafe hash.finish(unsafeInto: firstDigest)
      unsafe hash.update(second)
      return unsafe hash.finish(unsafeInto: secondDigest)
    }
    // Safe because: both messages hold that many whole blocks, and digests are 32 bytes.
    unsafe withTwo(
      start.assumingMemoryBound(to: UInt8.self), otherStart.assumingMemoryBound(to: UInt8.self)
    ) { messages in
      unsafe withTwo(
        firstDigest.assumingMemoryBound(to: UInt8.self),
        secondDigest.assumingMemoryBound(to: UInt8.self)
      ) { digests in
        unsafe chashing_sha256_pair(messages, first.count / blockBytes, digests)
      }
    }
  }

  /// Two values in a row, as C wants an array of them.
  private static func withTwo<Value>(
    _ first: Value, _ second: Value, _ body: (UnsafePointer<Value>) -> Void
  ) {
    var pair: [2 of Value] = [first, second]
    unsafe withUnsafePointer(to: &pair) { pointer in
      unsafe body(UnsafeRawPointer(pointer).assumingMemoryBound(to: Value.self))
    }
  }
}
