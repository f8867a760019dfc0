internal import Glibc
internal import System

/// What an executable file is, by its first bytes: how it can be started at all.
enum ProgramKind: Equatable {
  /// A script, with its line `#!…`.
  case script(String)
  /// An ELF file; a dynamic one needs a linker, and libraries.
  case program(isDynamic: Bool)
  case other

  private static let headBytes = 4096
  private static let lineBytesMax = 128

  /// - Parameter file: Open to read.
  init(_ file: Int32, _ path: String) throws(SandboxError) {
    let head = try system { () throws(SystemCallError) in
      try readBytes(file, at: 0, count: Self.headBytes)
    }
    if head.starts(with: Array("#!".utf8)) {
      let line = head.prefix { $0 != UInt8(ascii: "\n") }.prefix(Self.lineBytesMax)
      self = .script(sanitised(line))
    } else if head.starts(with: [0x7F, 0x45, 0x4C, 0x46]) {
      self = .program(isDynamic: Self.hasLinker(head))
    } else {
      self = .other
    }
  }

  /// Whether an ELF file of 64 bits, little-endian, names a dynamic linker (PT_INTERP): its program
  /// headers follow the header at once, in every file that is made by a linker of today.
  private static func hasLinker(_ head: [UInt8]) -> Bool {
    guard head.count >= 64, head[4] == 2, head[5] == 1 else { return false }
    let start = Int(clamping: integer(head, at: 32, bytes: 8))
    let (size, count) = (integer(head, at: 54, bytes: 2), integer(head, at: 56, bytes: 2))
    guard size >= 56, start < head.count else { return false }
    return (0..<Int(count)).contains { index in
      let place = start + index * Int(size)
      return place + 4 <= head.count && integer(head, at: place, bytes: 4) == 3
    }
  }

  private static func integer(_ bytes: [UInt8], at offset: Int, bytes count: Int) -> UInt64 {
    (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
  }
}
