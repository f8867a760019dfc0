internal import CLinux
internal import Glibc
internal import System

/// The output of a child process: an anonymous file of fixed size that is read on demand.
///
/// A pipe would have to be drained; this file simply refuses to grow, so that a child with endless
/// output costs `limit` bytes and no thread.
final class CapturedWords: Sendable {
  private let file: OwnedDescriptor
  private let limit: Int

  /// - Parameter limit: Bytes kept; later ones are lost.
  init(limit: Int, name: String) throws(SystemCallError) {
    self.limit = limit
    file = OwnedDescriptor(
      adopting: try check(unsafe clinux_memfd_create(name), .memfdCreate, name))
    try check(clinux_ftruncate(file.raw, Int64(limit)), .ftruncate, name)
    let seals = Int32(CLINUX_SEAL_SHRINK | CLINUX_SEAL_GROW | CLINUX_SEAL_SEAL)
    try check(clinux_add_seals(file.raw, seals), .seal, name)
  }

  /// What the child gets as its standard output or error; its owner stays this object.
  var descriptor: Int32 { file.raw }

  /// The bytes written so far: up to the first NUL.
  func bytes() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe (try? file.readAll(into: buffer, at: 0, subject: "captured output")) ?? 0
    }
    let end = bytes[..<count].firstIndex(of: 0) ?? count
    bytes.removeLast(bytes.count - end)
    return bytes
  }

  /// The last lines, for an error message: printable, at most 400 bytes, or a stand-in.
  func lastWords() -> String { Self.lastWords(of: bytes()) }

  static func lastWords(of bytes: [UInt8]) -> String {
    let lines = bytes.split(separator: UInt8(ascii: "\n")).suffix(3)
    let text = lines.map { cleaned($0) }.joined(separator: "; ")
    return text.isEmpty ? "no output" : text
  }

  /// QEMU begins lines with its own name, which the message around the words already says.
  private static func cleaned(_ line: ArraySlice<UInt8>) -> String {
    var rest = line
    if line.starts(with: "qemu-".utf8), let space = line.firstIndex(of: UInt8(ascii: " ")) {
      rest = line[(space + 1)...]
    }
    // And it repeats the option that failed, whose end is what matters.
    if rest.starts(with: "--blockdev {".utf8), let end = rest.lastRange(of: "}: ") {
      rest = rest[end.upperBound...]
    }
    return sanitised(rest.prefix(400))
  }
}

extension ArraySlice<UInt8> {
  fileprivate func lastRange(of text: String) -> Range<Int>? {
    let wanted = Array(text.utf8)
    guard count >= wanted.count else { return nil }
    let starts = stride(from: endIndex - wanted.count, through: startIndex, by: -1)
    return starts.first { self[$0...].starts(with: wanted) }.map { $0..<($0 + wanted.count) }
  }
}
