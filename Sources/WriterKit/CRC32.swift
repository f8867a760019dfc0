/// CRC-32 as in zlib, gzip and PNG: it finds what has changed by accident, and nobody's intent.
///
/// Of bytes that come in pieces, too: `add` one after the other, then ask for the `value`.
public struct CRC32: Sendable {
  /// What a byte becomes with 0…7 more bytes behind it: 256 numbers for each of these.
  private static let table: [UInt32] = {
    var table = (0..<256).map(afterOneByte)
    for index in 0..<7 * 256 {
      let rest = table[index]
      table.append(table[Int(rest & 0xFF)] ^ rest >> 8)
    }
    return table
  }()

  private static func afterOneByte(_ byte: Int) -> UInt32 {
    var rest = UInt32(byte)
    for _ in 0..<8 { rest = rest & 1 == 0 ? rest >> 1 : rest >> 1 ^ 0xEDB8_8320 }
    return rest
  }

  private var state = UInt32.max

  /// The checksum of no bytes yet.
  public init() {}

  /// The checksum of all bytes so far.
  public var value: UInt32 { ~state }

  /// The checksum of bytes.
  public static func of(_ bytes: RawSpan) -> UInt32 {
    var sum = CRC32()
    sum.add(bytes)
    return sum.value
  }

  /// The checksum of bytes.
  public static func of(_ bytes: [UInt8]) -> UInt32 { unsafe of(bytes.span.bytes) }

  /// The checksum of bytes.
  public static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 { unsafe of(bytes.span.bytes) }

  /// Takes the bytes that follow.
  public mutating func add(_ bytes: RawSpan) {
    // Why: an array is checked at every byte. Safe because: the table has 8 · 256 numbers.
    state = unsafe Self.table.withUnsafeBufferPointer { table in
      unsafe bytes.withUnsafeBytes { bytes in unsafe Self.advance(state, table, bytes) }
    }
  }

  /// Eight bytes at once, each by the table of what follows it in the eight.
  private static func advance(
    _ start: UInt32, _ table: UnsafeBufferPointer<UInt32>, _ bytes: UnsafeRawBufferPointer
  ) -> UInt32 {
    var (state, place) = (start, 0)
    while bytes.count - place >= 8 {
      let eight =
        unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        ^ UInt64(state)
      state = 0
      for index in 0..<8 {
        let byte = Int(truncatingIfNeeded: eight >> (8 * index)) & 0xFF
        state ^= unsafe table[(7 - index) << 8 | byte]
      }
      place += 8
    }
    while place < bytes.count {
      state = unsafe table[Int((state ^ UInt32(bytes[place])) & 0xFF)] ^ state >> 8
      place += 1
    }
    return state
  }
}
