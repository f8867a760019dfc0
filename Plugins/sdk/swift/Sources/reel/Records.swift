// Copyright: the authors of Sluice. SPDX-License-Identifier: Apache-2.0

import WriterKit

/// What a Reel archive begins and ends with.
let magic: [UInt8] = Array("\u{89}REL\r\n\u{1A}\n".unicodeScalars).map { UInt8($0.value) }

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
    var bytes = stream.littleEndianBytes + kind.rawValue.littleEndianBytes
    bytes += offset.littleEndianBytes + length.littleEndianBytes + sum.littleEndianBytes
    return bytes + CRC32.of(bytes).littleEndianBytes
  }
}

extension Record {
  /// - Returns: `nil` if the checksum or the kind is none.
  init?(parsing bytes: [UInt8]) {
    guard UInt32(littleEndianBytes: bytes[28...]) == CRC32.of(bytes[..<28]),
      let kind = Kind(rawValue: UInt32(littleEndianBytes: bytes[4..<8]))
    else { return nil }
    stream = UInt32(littleEndianBytes: bytes[..<4])
    self.kind = kind
    offset = UInt64(littleEndianBytes: bytes[8..<16])
    length = UInt64(littleEndianBytes: bytes[16..<24])
    sum = UInt32(littleEndianBytes: bytes[24..<28])
  }
}
