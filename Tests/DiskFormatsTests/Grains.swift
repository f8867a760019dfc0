import CommandLine
import Testing

/// A grain, and whether a fast level deflates it.
struct Grain: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let bytes: [UInt8]
  let isDeflated: Bool

  init(_ name: String, isDeflated: Bool = true, _ bytes: [UInt8]) {
    testDescription = name
    self.bytes = bytes
    self.isDeflated = isDeflated
  }

  /// SplitMix64: every byte at random, zero too.
  private static func even(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      return UInt8(truncatingIfNeeded: word ^ (word >> 31))
    }
  }

  static let all = [
    Grain("noise", isDeflated: false, even(65536, seed: 9)),
    Grain("more noise", isDeflated: false, even(65536, seed: 10)),
    Grain("noise of 7 bits", noise(65536, seed: 8)),
    Grain("text", Disk.text(65536)),
    Grain("a count", (0..<65536).map { UInt8(truncatingIfNeeded: $0) }),
    Grain("a page of noise that repeats", (0..<16).flatMap { _ in even(4096, seed: 7) }),
    Grain(
      "files of noise",
      (1...16).flatMap { even(2048, seed: $0) + [UInt8](repeating: 0, count: 2048) }),
    Grain("noise behind text", Disk.text(20000) + even(45536, seed: 6)),
  ]
}
