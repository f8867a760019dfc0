import Testing

@testable import Requests

/// Sizes and durations.
@Suite struct QuantityTests {
  @Test(arguments: [
    ("1", UInt64(1)), ("4096", 4096), ("1K", 1 << 10), ("1k", 1 << 10), ("3M", 3 << 20),
    ("2g", 2 << 30), ("1T", 1 << 40), ("007", 7), ("18446744073709551615", .max),
    ("16777215T", 16_777_215 << 40),
  ])
  func `bytes may have a suffix`(text: String, bytes: UInt64) throws {
    #expect(try ByteCount(parsing: text).bytes == bytes)
  }

  @Test(arguments: [
    "", "0", "0K", "K", "-1", "1.5G", "1 K", " 1", "1KB", "1KiB", "1P", "3Q", "0x10", "1_000",
    "18446744073709551616", "16777216T", "18014398509481984K",
  ])
  func `no bytes, and more than can be counted, are refused`(_ text: String) {
    #expect(throws: RequestError.malformed(text)) { try ByteCount(parsing: text) }
  }

  @Test(arguments: [
    ("1h", Int64(3600)), ("12h", 43_200), ("7d", 604_800), ("2w", 1_209_600),
    ("10000w", 6_048_000_000),
  ])
  func `an age has a unit`(text: String, seconds: Int64) throws {
    #expect(try Age(parsing: text).seconds == seconds)
  }

  @Test(arguments: ["", "1", "h", "0h", "-1h", "10001w", "1m", "1s", "1H", "1.5d", "1 d"])
  func `an age below one hour, and one without a unit, are refused`(_ text: String) {
    #expect(throws: RequestError.malformed(text)) { try Age(parsing: text) }
  }
}
