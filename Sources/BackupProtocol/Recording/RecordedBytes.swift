/// Bytes of a recording. What a disk holds may be left out of it: then how much it was is known,
/// and its checksum. Specified in docs/recordings.md.
public struct RecordedBytes: Equatable, Sendable {
  /// What is recorded.
  public var bytes: [UInt8]
  /// How many bytes followed that are left out.
  public var leftOut: Int
  /// CRC32C of all bytes, also of those that are left out.
  public var checksum: UInt32

  /// Bytes that a recording has at most in one piece: the largest slot, and the largest frame.
  public static let countMax = 17 << 20

  /// Bytes of which the last ones may be left out.
  ///
  /// - Parameter kept: How many are recorded; all of them if `nil`.
  public init(_ all: RawSpan, keeping kept: Int? = nil) {
    let count = kept ?? all.byteCount
    bytes = all.extracting(0..<count).allBytes
    leftOut = all.byteCount - count
    var checksum = CRC32C()
    checksum.add(all)
    self.checksum = checksum.value
  }

  /// Whether the bytes have changed since they were recorded; unknown if some are left out.
  public var isDamaged: Bool {
    guard leftOut == 0 else { return false }
    return unsafe RecordedBytes(bytes.span.bytes).checksum != checksum
  }

  /// The checksum, then the bytes: pairs of hexadecimal digits, `5a*512` for a byte that comes so
  /// often, `..*512` for bytes that are left out.
  public var text: [UInt8] {
    var text = Array(hexadecimal(checksum).utf8)
    text.reserveCapacity(10 + 2 * bytes.count)
    var (place, isInWord) = (0, false)
    while place < bytes.count {
      let run = Self.run(bytes, at: place)
      if run >= Self.runMin || !isInWord { text.append(0x20) }
      text.append(Self.digits[Int(bytes[place] >> 4)])
      text.append(Self.digits[Int(bytes[place] & 15)])
      isInWord = run < Self.runMin
      if !isInWord { text += "*\(run)".utf8 }
      place += isInWord ? 1 : run
    }
    if leftOut > 0 { text += " ..*\(leftOut)".utf8 }
    return text
  }

  private static let digits = Array("0123456789abcdef".utf8)
  private static let runMin = 16

  private static func run(_ bytes: [UInt8], at start: Int) -> Int {
    var end = start + 1
    while end < bytes.count && bytes[end] == bytes[start] { end += 1 }
    return end - start
  }

  /// Reads what ``text`` has written.
  ///
  /// - Returns: `nil` for anything else, and for more than ``countMax`` bytes.
  public init?(parsing words: some Sequence<ArraySlice<UInt8>>) {
    (bytes, leftOut, checksum) = ([], 0, 0)
    var hasChecksum = false
    for word in words {
      if hasChecksum {
        guard leftOut == 0, add(word) else { return nil }
      } else {
        guard let number = number(Array(word)) else { return nil }
        (checksum, hasChecksum) = (number, true)
      }
    }
    if !hasChecksum { return nil }
  }

  private func number(_ digits: [UInt8]) -> UInt32? {
    guard digits.count == 8, let bytes = decodeHexadecimal(digits) else { return nil }
    return bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  private mutating func add(_ word: ArraySlice<UInt8>) -> Bool {
    let parts = word.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
    let room = Self.countMax - bytes.count
    if parts.count == 1, let more = decodeHexadecimal(Array(word)) {
      bytes += more
      return !more.isEmpty && more.count <= room
    }
    guard parts.count == 2, let count = decimal(parts[1]), (1...max(1, room)).contains(count)
    else { return false }
    if parts[0].elementsEqual("..".utf8) {
      leftOut = count
      return true
    }
    guard let byte = decodeHexadecimal(Array(parts[0])), byte.count == 1 else { return false }
    bytes += repeatElement(byte[0], count: count)
    return true
  }
}

/// A number of at most nine digits, without a sign.
func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
  guard (1...9).contains(digits.count) else { return nil }
  var number = 0
  for digit in digits {
    guard (0x30...0x39).contains(digit) else { return nil }
    number = 10 * number + Int(digit - 0x30)
  }
  return number
}

private func hexadecimal(_ number: UInt32) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 8 - digits.count) + digits
}
