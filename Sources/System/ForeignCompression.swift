/// A compression that is known by its first bytes, and is not read.
package enum ForeignCompression: String, CaseIterable, Sendable {
  case lzop, xz, bzip2, lz4

  /// - Parameter start: The first bytes of a file; four are enough.
  package init?(start: some Sequence<UInt8>) {
    let found = Self.allCases.first { start.starts(with: $0.magic) }
    guard let found else { return nil }
    self = found
  }

  /// What decompresses it from standard input to standard output.
  package var command: String { self == .lzop ? "lzop -d" : "\(rawValue) -dc" }

  private var magic: [UInt8] {
    switch self {
    case .lzop: [0x89, 0x4C, 0x5A, 0x4F]
    case .xz: [0xFD, 0x37, 0x7A, 0x58]
    case .bzip2: [0x42, 0x5A, 0x68]
    case .lz4: [0x04, 0x22, 0x4D, 0x18]
    }
  }
}
