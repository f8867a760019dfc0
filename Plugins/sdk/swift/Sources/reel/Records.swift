// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

import WriterKit

/// What a Reel archive begins and ends with.
let magic: [UInt8] = Array("\u{89}REL\r\n\u{1A}\n".unicodeScalars).map { UInt8($0.value) }

/// CRC-32, as in zlib.
struct Checksum {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
  }

  static func of(_ bytes: RawSpan) -> UInt32 {
    table.withUnsafeBufferPointer { table in
      bytes.withUnsafeBytes { bytes in
        ~bytes.reduce(UInt32.max) { sum, byte in
          table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] ^ sum >> 8
        }
      }
    }
  }

  static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 { of(bytes.span.bytes) }
}

func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian, Array.init)
}

func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
  bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}

/// What stands before the bytes of a piece of a stream.
struct Record {
  static let byteCount = 32
  static let dataMax: UInt64 = 1 << 20

  enum Kind: UInt32 { case data, zero, hole, unchanged }

  var stream: UInt32
  var kind: Kind
  var offset: UInt64
  var length: UInt64
  var sum: UInt32 = 0

  var bytes: [UInt8] {
    var bytes = littleEndian(stream) + littleEndian(kind.rawValue) + littleEndian(offset)
    bytes += littleEndian(length) + littleEndian(sum)
    return bytes + littleEndian(Checksum.of(bytes[...]))
  }
}

extension Record {
  /// - Returns: `nil` if the checksum or the kind is none.
  init?(parsing bytes: [UInt8]) {
    guard number(bytes[28...]) == UInt64(Checksum.of(bytes[..<28])),
      let kind = Kind(rawValue: UInt32(number(bytes[4..<8])))
    else { return nil }
    stream = UInt32(number(bytes[..<4]))
    self.kind = kind
    offset = number(bytes[8..<16])
    length = number(bytes[16..<24])
    sum = UInt32(number(bytes[24..<28]))
  }
}
