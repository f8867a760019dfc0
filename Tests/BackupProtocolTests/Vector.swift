import Glibc
import Testing

/// A file of `Tests/Vectors/v1`: what it is about and the bytes. Specified in protocol.md §21.
struct Vector: Sendable, CustomTestStringConvertible {
  let name: String
  let keys: [String: String]
  let bytes: [UInt8]

  var testDescription: String { name }
  var expectation: String { keys["expect"] ?? "" }
  var frameCount: Int? { keys["frames"].flatMap { Int($0) } }
  var firstSequence: UInt32 { keys["first-seq"].flatMap { UInt32($0) } ?? 0 }
  var isCanonical: Bool { keys["canonical"] != "no" }

  static let all: [Vector] = names(in: Repository.vectors).sorted().map { Vector(file: $0) }

  private init(file name: String) {
    let text = Repository.text(of: Repository.vectors + "/" + name)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    var keys: [String: String] = [:]
    while let line = lines.popFirst(), !line.isEmpty {
      let parts = line.split(separator: ": ", maxSplits: 1)
      keys[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
    }
    self.name = name
    self.keys = keys
    bytes = Hex.bytes(lines)
  }

  private static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }
}

/// The notation of protocol.md §1.2.
enum Hex {
  static func bytes(_ lines: some Sequence<Substring>) -> [UInt8] {
    var bytes: [UInt8] = []
    for line in lines {
      for word in line.prefix(while: { $0 != ";" }).split(separator: " ") {
        let parts = word.split(separator: "*")
        guard let byte = UInt8(parts[0], radix: 16) else { continue }
        let count = parts.count == 2 ? Int(parts[1]) ?? 0 : 1
        bytes.append(contentsOf: repeatElement(byte, count: count))
      }
    }
    return bytes
  }
}
