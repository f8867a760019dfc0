import WriterKit

/// SHA256SUMS: what `sha256sum` writes and reads with `-c`.
struct Checksums {
  private(set) var text: [UInt8] = []

  /// Adds a line. A name with a backslash is escaped, and its line says so, as in coreutils.
  mutating func add(_ sha256: [UInt8], file: String) {
    let hexadecimal = Digest(algorithm: .sha256, bytes: sha256).hexadecimal
    let escaped = file.split(separator: "\\", omittingEmptySubsequences: false)
      .joined(separator: "\\\\")
    let mark = escaped == file ? "" : "\\"
    text += Array("\(mark)\(hexadecimal)  \(escaped)\n".utf8)
  }
}
