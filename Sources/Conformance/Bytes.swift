internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import Hashing

/// Every touch of memory that is not an array's.
enum Bytes {
  /// Writes once; what the kernel says.
  static func write(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Int {
    unsafe bytes.withUnsafeBytes { unsafe clinux_write(descriptor, $0.baseAddress!, $0.count) }
  }

  /// Reads once, 64 KiB at most; `nil` at the end, and what there is not yet is empty.
  static func read(_ descriptor: Int32, _ buffer: inout [UInt8]) -> ArraySlice<UInt8>? {
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe clinux_read(descriptor, $0.baseAddress!, $0.count)
    }
    if count == -Int(EAGAIN) { return [] }
    return count > 0 ? buffer[0..<count] : nil
  }

  /// Calls `body` with the bytes as protocol code wants them.
  static func parse<Value>(
    _ bytes: [UInt8], _ body: (RawSpan) throws(WireError) -> Value
  ) throws(WireError) -> Value {
    try unsafe body(bytes.span.bytes)
  }

  /// Where two arrays differ first.
  static func difference(_ a: [UInt8], _ b: [UInt8]) -> Int? {
    if a.count != b.count { return min(a.count, b.count) }
    let isSame = unsafe a.withUnsafeBytes { left in
      unsafe b.withUnsafeBytes { right in
        unsafe a.isEmpty || memcmp(left.baseAddress!, right.baseAddress!, a.count) == 0
      }
    }
    return isSame ? nil : zip(a, b).enumerated().first { $1.0 != $1.1 }?.offset
  }

  /// Whether there is nothing but zeros in a range.
  static func isZero(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    unsafe bytes.withUnsafeBytes { buffer in
      unsafe range.isEmpty
        || buffer[range.lowerBound] == 0
          && (range.count == 1
            || memcmp(
              buffer.baseAddress! + range.lowerBound, buffer.baseAddress! + range.lowerBound + 1,
              range.count - 1) == 0)
    }
  }

  /// Copies into an array.
  static func put(_ source: [UInt8], _ part: Range<Int>, into target: inout [UInt8], at: Int) {
    guard !part.isEmpty else { return }
    unsafe target.withUnsafeMutableBytes { target in
      unsafe source.withUnsafeBytes { source in
        unsafe _ = memcpy(
          target.baseAddress! + at, source.baseAddress! + part.lowerBound, part.count)
      }
    }
  }

  /// Sets a part of an array to zeros.
  static func clear(_ target: inout [UInt8], _ part: Range<Int>) {
    guard !part.isEmpty else { return }
    unsafe target.withUnsafeMutableBytes { target in
      unsafe _ = memset(target.baseAddress! + part.lowerBound, 0, part.count)
    }
  }

  /// Bytes that look like nothing, the same for the same seed.
  static func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: (count + 7) & ~7)
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    unsafe bytes.withUnsafeMutableBytes { buffer in
      let words = unsafe buffer.bindMemory(to: UInt64.self)
      for place in words.indices {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        unsafe words[place] = state
      }
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// The digest of §10.2, or of §10.3 where extents say what is unchanged.
  static func digest(_ bytes: [UInt8], _ extents: [Extent]? = nil) -> Digest {
    var digest = TreeDigest()
    guard let extents else {
      unsafe digest.update(bytes.span.bytes)
      return Digest(algorithm: .treeSHA256, bytes: digest.finish())
    }
    for extent in extents {
      let range = Int(extent.offset)..<Int(extent.end)
      if extent.kind == .unchanged {
        digest.updateUnchanged(extent.length)
      } else {
        unsafe digest.update(bytes.span.bytes.extracting(range))
      }
    }
    return Digest(algorithm: .incrementTreeSHA256, bytes: digest.finish())
  }
}
