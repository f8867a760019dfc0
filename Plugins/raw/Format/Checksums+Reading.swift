package import WriterKit

extension Checksums {
  /// Bytes of the longest SHA256SUMS: 1024 streams with names of 255 bytes, all escaped.
  package static let byteCountMax = 1 << 20

  /// Reads SHA256SUMS and checks the manifest against it.
  ///
  /// Every configuration must be listed, and nothing that is not in the archive.
  package init(
    parsing bytes: [UInt8], of streams: [StreamDescription], manifest: [UInt8]
  ) throws(PluginError) {
    self.init()
    try parse(bytes)
    var known: Set = [Layout.manifest]
    for stream in streams {
      let file = Layout.raw.fileName(stream)
      known.insert(file)
      guard stream.kind != .config || self[file] != nil else {
        throw PluginError(.corrupt, "\(Layout.checksums) does not list \(file)")
      }
    }
    if let other = files.first(where: { !known.contains($0) }) {
      throw PluginError(
        .corrupt, "\(Layout.checksums) lists \(other), which is not in the archive")
    }
    var hash = SHA256()
    hash.update(manifest)
    guard self[Layout.manifest] == hash.finish() else {
      throw PluginError(
        .corrupt, "\(Layout.manifest) is damaged: it does not match \(Layout.checksums)")
    }
  }

  private mutating func parse(_ bytes: [UInt8]) throws(PluginError) {
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let isEscaped = line.first == UInt8(ascii: "\\")
      let rest = line.dropFirst(isEscaped ? 1 : 0)
      let name = String(decoding: rest.dropFirst(66), as: UTF8.self)
      let file = isEscaped ? Self.unescaped(name) : name
      guard rest.count > 66, rest.dropFirst(64).starts(with: Array("  ".utf8)),
        let digest = Digest(
          algorithm: .sha256, hexadecimal: String(decoding: rest.prefix(64), as: UTF8.self)),
        StreamDescription.isAcceptable(name: file), self[file] == nil
      else { throw PluginError(.corrupt, "\(Layout.checksums) has a malformed line") }
      add(digest.bytes, file: file)
    }
  }

  private static func unescaped(_ name: String) -> String {
    var result = ""
    var isAfterBackslash = false
    for character in name {
      if character == "\\" && !isAfterBackslash {
        isAfterBackslash = true
      } else {
        result.append(character)
        isAfterBackslash = false
      }
    }
    return result
  }
}
