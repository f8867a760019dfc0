import Glibc

/// Where the files are that the tests read.
enum Repository {
  static let root: String = {
    let parts = #filePath.split(separator: "/").dropLast(3)
    return "/" + parts.joined(separator: "/")
  }()
  static let vectors = root + "/Tests/Vectors/v1"
  static let document = text(of: root + "/protocol.md")

  /// The content of a file, or nothing: then the test that needs it finds nothing in it.
  static func text(of path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }

  /// Lines between "```LABEL" and "```" of protocol.md.
  static func listing(_ label: String) -> [Substring] {
    let lines = document.split(separator: "\n", omittingEmptySubsequences: false)
    let after = lines.drop { $0 != "```" + label }.dropFirst()
    return Array(after.prefix { $0 != "```" })
  }
}
