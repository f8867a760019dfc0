import WriterKit

/// The plugin `stack`: an archive that is only ever written and read forward, for the tests of
/// pipes.
///
/// ```
/// head     8 bytes of magic, u32 length, the streams and the job as JSON
/// record   u64 offset, u64 length, u64 kind: 0 data (the bytes follow), 1 zeros, 2 end of stream
/// ```
/// All integers are little-endian. Streams follow each other in the order of the head; nothing
/// follows the last one.
@main struct Main {
  static func main() {
    Plugin(
      manifest: PackageResources.stack_json,
      formats: ["stack": (StackWriter.self, StackReader.self)]
    ).run()
  }
}

enum Stack {
  static let magic: [UInt8] = [0x53, 0x54, 0x41, 0x43, 0x4B, 0x31, 0x0A, 0]
  static let headBytesMax = 1 << 20

  enum Kind: UInt64 { case data, zeros, end }

  struct Record {
    static let byteCount = 24
    let offset: UInt64
    let length: UInt64
    let kind: Kind

    init(offset: UInt64, length: UInt64, kind: Kind) {
      self.offset = offset
      self.length = length
      self.kind = kind
    }

    init(parsing bytes: [UInt8]) throws(PluginError) {
      offset = number(bytes[0..<8])
      length = number(bytes[8..<16])
      guard let kind = Kind(rawValue: number(bytes[16..<24])) else {
        throw PluginError(.corrupt, "the stack has a record of no known kind")
      }
      self.kind = kind
    }

    var bytes: [UInt8] { littleEndian(offset) + littleEndian(length) + littleEndian(kind.rawValue) }
  }
}

func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
  bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}

func littleEndian(_ value: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}
