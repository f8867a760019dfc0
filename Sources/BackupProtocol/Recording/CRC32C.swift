/// The checksum of iSCSI (RFC 3720): it finds what a copy or a mail has changed by accident.
public struct CRC32C: Sendable {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { rest, _ in rest & 1 == 0 ? rest >> 1 : rest >> 1 ^ 0x82F6_3B78 }
  }

  private var state: UInt32 = .max

  /// The checksum of no bytes yet.
  public init() {}

  /// The checksum of all bytes so far.
  public var value: UInt32 { ~state }

  /// Takes the bytes that follow.
  public mutating func add(_ bytes: RawSpan) {
    var state = state
    unsafe Self.table.withUnsafeBufferPointer { table in
      for place in 0..<bytes.byteCount {
        let byte = UInt32(bytes.load(place, as: UInt8.self))
        state = unsafe table[Int((state ^ byte) & 0xFF)] ^ state >> 8
      }
    }
    self.state = state
  }
}
