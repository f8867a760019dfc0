import BackupProtocol
import Glibc

/// A conversation as protocol.md §20 prints it: sixteen bytes a line, text beside them.
struct Listing {
  private(set) var lines: [String] = []

  init() { lines = [] }

  mutating func preamble(_ side: String) {
    lines.append("\(side) \(Self.hex(Limits.preamble)) ; preamble")
  }

  mutating func add(_ side: String, _ header: FrameHeader, _ payload: [UInt8]) {
    let stream = header.stream == 0 ? "" : ", stream \(header.stream)"
    let bytes = Self.header(header)
    let groups = [bytes[..<4], bytes[4..<6], bytes[6..<8], bytes[8..<12], bytes[12...]]
    let type = "\(Self.hex(groups[0]))  \(Self.hex(groups[1]))  \(Self.hex(groups[2]))"
    lines.append(
      "\(side) \(type)  \(Self.hex(groups[3]))  \(Self.hex(groups[4])) "
        + "; \(header.type.name)\(stream), seq \(header.sequence)")
    for start in stride(from: 0, to: payload.count, by: 16) {
      let row = payload[start..<min(payload.count, start + 16)]
      guard payload.first == UInt8(ascii: "{") else {
        lines.append("\(side) \(Self.hex(row))")
        continue
      }
      let text = String(decoding: row, as: UTF8.self)
      let digits = Self.hex(row)
      lines.append("\(side) \(digits)\(String(repeating: " ", count: 49 - digits.count)) ; \(text)")
    }
  }

  private static func header(_ header: FrameHeader) -> [UInt8] {
    func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: number.littleEndian, Array.init)
    }
    return bytes(UInt32(header.length)) + bytes(header.type.rawValue) + bytes(header.flags)
      + bytes(header.stream) + bytes(header.sequence)
  }

  private static func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined(separator: " ")
  }
}
