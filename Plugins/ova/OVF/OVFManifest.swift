package import Hashing

/// The manifest of an appliance: for each file a line `SHA256(NAME)= HEX`.
package struct OVFManifest: Equatable, Sendable {
  package struct Line: Equatable, Sendable {
    /// As it is written; may be a path.
    package let file: String
    /// `nil` for a kind of digest that is not known, and cannot be checked.
    package let algorithm: NamedHash.Algorithm?
    package let digest: [UInt8]
  }

  package private(set) var lines: [Line] = []
  /// Whether the text is, byte by byte, what ``line(_:sha256:)`` makes of these lines. Every byte
  /// of such a manifest means something: one that is changed names another file or digest.
  package private(set) var isAsWritten = false

  /// Reads what any program has written: `SHA256(NAME)= HEX`, `SHA256 (NAME) = HEX`.
  package init(parsing bytes: [UInt8]) throws(OVFError) {
    for line in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
      let text = String(decoding: line, as: UTF8.self).filter { $0 != "\t" }
      if text.allSatisfy({ $0 == " " }) { continue }
      try take(text)
    }
    isAsWritten = bytes.elementsEqual(written.joined())
  }

  /// A line as Sluice writes it.
  package static func line(_ file: String, sha256 digest: [UInt8]) -> [UInt8] {
    let digits = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return Array("SHA256(\(file))= \(digits)\n".utf8)
  }

  private var written: [[UInt8]] {
    lines.map { $0.algorithm == .sha256 ? Self.line($0.file, sha256: $0.digest) : [] }
  }

  private mutating func take(_ text: String) throws(OVFError) {
    guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close,
      let sign = text[close...].firstIndex(of: "=")
    else { throw .manifest("a malformed line") }
    let file = String(text[text.index(after: open)..<close])
    guard let algorithm = Self.algorithm(String(text[..<open])) else {
      return lines.append(Line(file: file, algorithm: nil, digest: []))
    }
    let digits = text[text.index(after: sign)...].filter { $0 != " " }
    guard let digest = Self.bytes(digits), digest.count == algorithm.byteCount else {
      throw .manifest("an invalid digest of \"\(file)\"")
    }
    lines.append(Line(file: file, algorithm: algorithm, digest: digest))
  }

  /// `SHA256`, `SHA-256`, or `SHA2-256` as OpenSSL 3 has it.
  private static func algorithm(_ word: String) -> NamedHash.Algorithm? {
    let plain = word.uppercased().filter { $0 != " " }
    let name = plain.hasPrefix("SHA2-") ? "SHA" + plain.dropFirst(5) : plain.filter { $0 != "-" }
    return NamedHash.Algorithm(rawValue: name)
  }

  /// What hexadecimal digits, of either case, say.
  private static func bytes(_ digits: String) -> [UInt8]? {
    let values = digits.map { $0.isASCII ? $0.hexDigitValue : nil }
    guard values.count % 2 == 0, values.count <= 128, !values.contains(nil) else { return nil }
    return stride(from: 0, to: values.count, by: 2).map {
      UInt8(truncatingIfNeeded: values[$0]! << 4 | values[$0 + 1]!)
    }
  }
}
