import WriterKit

/// SHA256SUMS: what `sha256sum` writes and reads with `-c`.
package struct Checksums {
  package private(set) var text: [UInt8] = []
  /// Names in the order of the lines.
  package private(set) var files: [String] = []
  private var digests: [String: [UInt8]] = [:]

  package init() {}

  /// The digest a line gives for a file.
  package subscript(file: String) -> [UInt8]? { digests[file] }

  /// Adds a line. A name with a backslash is escaped, and its line says so, as in coreutils.
  package mutating func add(_ sha256: [UInt8], file: String) {
    files.append(file)
    digests[file] = sha256
    let hexadecimal = Digest(algorithm: .sha256, bytes: sha256).hexadecimal
    let escaped = file.split(separator: "\\", omittingEmptySubsequences: false)
      .joined(separator: "\\\\")
    let mark = escaped == file ? "" : "\\"
    text += Array("\(mark)\(hexadecimal)  \(escaped)\n".utf8)
  }
}
