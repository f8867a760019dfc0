/// ZERO: a range of a stream without data.
public struct ZeroFrame: Equatable, Sendable {
  /// Bytes; a multiple of 64 KiB.
  public var offset: UInt64
  /// Bytes, at least 1; a multiple of 64 KiB except at the end of the stream.
  public var length: UInt64
  /// What it holds: anything but data.
  public var kind: Extent.Kind
  /// In read mode the number of the READ this answers; 0 in write mode.
  public var request: UInt32

  /// Makes a value of its parts.
  public init(offset: UInt64, length: UInt64, kind: Extent.Kind, request: UInt32 = 0) {
    precondition(kind != .data, "bytes go in a DATA")
    self.offset = offset
    self.length = length
    self.kind = kind
    self.request = request
  }

  /// Reads the payload and checks every field.
  public init(parsing payload: RawSpan) throws(WireError) {
    guard payload.byteCount == 24 else { throw .length(.zero, length: payload.byteCount) }
    offset = payload.load(0, as: UInt64.self)
    length = payload.load(8, as: UInt64.self)
    let code = payload.load(16, as: UInt32.self)
    guard code < 3, let kind = Extent.Kind(rawValue: code + 1) else {
      throw .field(.zero, field: "kind", value: UInt64(code))
    }
    self.kind = kind
    request = payload.load(20, as: UInt32.self)
    guard offset % Cluster.bytes == 0, offset <= Limits.streamBytesMax else {
      throw .field(.zero, field: "offset", value: offset)
    }
    guard length >= 1, length <= Limits.streamBytesMax - offset else {
      throw .field(.zero, field: "length", value: length)
    }
  }
}

extension Extent.Kind {
  /// The number of a ZERO: the kinds without data, counted from 0. protocol.md §4.8.
  fileprivate var zeroCode: UInt32 { rawValue - 1 }
}

/// How a stream's digest is made. protocol.md §10.
public enum DigestAlgorithm: UInt16, Sendable {
  case none = 0
  /// SHA-256 of the whole stream.
  case sha256 = 1
  /// SHA-256 over the digests of chunks of 1 MiB, which are SHA-256 over those of leaves of 32 KiB.
  case treeSHA256 = 2
  /// The same of an increment: what is unchanged counts as digests of zeros.
  case incrementTreeSHA256 = 3

  /// As receipts and manifests write it.
  public var name: String {
    switch self {
    case .none: "none"
    case .sha256: "sha256"
    case .treeSHA256: "tree-sha256-32k"
    case .incrementTreeSHA256: "increment-tree-sha256-32k"
    }
  }

  /// Finds an algorithm by its name in receipts and manifests.
  public init?(name: String) {
    switch name {
    case "sha256": self = .sha256
    case "tree-sha256-32k": self = .treeSHA256
    case "increment-tree-sha256-32k": self = .incrementTreeSHA256
    default: return nil
    }
  }
}

/// A digest and how it was made.
public struct Digest: Equatable, Sendable {
  /// How it was made.
  public var algorithm: DigestAlgorithm
  /// 32 bytes, or none with ``DigestAlgorithm/none``.
  public var bytes: [UInt8]

  /// Makes a value of its parts.
  public init(algorithm: DigestAlgorithm, bytes: [UInt8]) {
    self.algorithm = algorithm
    self.bytes = bytes
  }

  /// No digest.
  public static let none = Digest(algorithm: .none, bytes: [])

  /// Lower-case hexadecimal.
  public var hexadecimal: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// - Returns: `nil` unless `text` is 64 lower-case hexadecimal digits.
  public init?(algorithm: DigestAlgorithm, hexadecimal text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 64, let bytes = decodeHexadecimal(digits) else { return nil }
    self.init(algorithm: algorithm, bytes: bytes)
  }
}

/// CLOSE: the end of a stream.
public struct CloseFrame: Equatable, Sendable {
  /// Bytes of the whole stream.
  public var logicalLength: UInt64
  /// Of all bytes of the stream, or none.
  public var digest: Digest

  /// Makes a value of its parts.
  public init(logicalLength: UInt64, digest: Digest) {
    self.logicalLength = logicalLength
    self.digest = digest
  }

  /// Reads the payload and checks every field.
  public init(parsing payload: RawSpan) throws(WireError) {
    guard payload.byteCount >= 16 else { throw .length(.close, length: payload.byteCount) }
    logicalLength = payload.load(0, as: UInt64.self)
    let code = payload.load(8, as: UInt16.self)
    let count = payload.load(10, as: UInt16.self)
    guard logicalLength <= Limits.streamBytesMax else {
      throw .field(.close, field: "logical_length", value: logicalLength)
    }
    guard let algorithm = DigestAlgorithm(rawValue: code) else {
      throw .field(.close, field: "digest_alg", value: UInt64(code))
    }
    guard count == (algorithm == .none ? 0 : 32) else {
      throw .field(.close, field: "digest_len", value: UInt64(count))
    }
    guard payload.load(12, as: UInt32.self) == 0 else { throw .reserved(.close, field: "reserved") }
    guard payload.byteCount == 16 + Int(count) else {
      throw .length(.close, length: payload.byteCount)
    }
    digest = Digest(algorithm: algorithm, bytes: payload.bytes(from: 16))
  }

  /// Refuses a digest that is not one of such a stream: one name never means two things.
  func check(isIncremental: Bool) throws(WireError) {
    guard digest.algorithm != .none else { return }
    guard (digest.algorithm == .incrementTreeSHA256) == isIncremental else {
      throw .field(.close, field: "digest_alg", value: UInt64(digest.algorithm.rawValue))
    }
  }
}

extension FrameWriter {
  /// Appends OPEN, the start of a stream.
  @discardableResult
  public mutating func appendOpen(stream: UInt32) -> UInt32 {
    append(.open, stream: stream) { $0 += Array("{}".utf8) }
  }

  /// Appends ZERO and returns its number.
  @discardableResult
  public mutating func append(_ frame: ZeroFrame, stream: UInt32) -> UInt32 {
    append(.zero, stream: stream) { bytes in
      bytes.appendLittleEndian(frame.offset)
      bytes.appendLittleEndian(frame.length)
      bytes.appendLittleEndian(frame.kind.zeroCode)
      bytes.appendLittleEndian(frame.request)
    }
  }

  /// Appends CLOSE and returns its number.
  @discardableResult
  public mutating func append(_ frame: CloseFrame, stream: UInt32) -> UInt32 {
    append(.close, stream: stream) { bytes in
      bytes.appendLittleEndian(frame.logicalLength)
      bytes.appendLittleEndian(frame.digest.algorithm.rawValue)
      bytes.appendLittleEndian(UInt16(frame.digest.bytes.count))
      bytes.appendLittleEndian(UInt32(0))
      bytes += frame.digest.bytes
    }
  }
}
