import BackupProtocol
import Testing

@Suite struct TimestampTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"),
      (951_782_400, "2000-02-29T00:00:00Z"), (1_709_251_199, "2024-02-29T23:59:59Z"),
      (1_769_889_600, "2026-01-31T20:00:00Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
      (253_402_300_799, "9999-12-31T23:59:59Z"),
    ] as [(Int64, String)])
  func `a second has one text, and a text one second`(seconds: Int64, text: String) {
    #expect(Timestamp(secondsSince1970: seconds)?.text == text)
    #expect(Timestamp(text)?.secondsSince1970 == seconds)
    #expect(Timestamp(text)?.text == text)
  }

  @Test(
    arguments: [
      (-1, "1969-12-31T23:59:59Z"), (-2_203_891_200, "1900-03-01T00:00:00Z"),
      (-62_135_596_800, "0001-01-01T00:00:00Z"), (-62_167_219_200, "0000-01-01T00:00:00Z"),
    ] as [(Int64, String)])
  func `a text may be of before 1970`(seconds: Int64, text: String) {
    #expect(Timestamp(text)?.secondsSince1970 == seconds)
  }

  @Test(arguments: [-1, 253_402_300_800, .max, .min] as [Int64])
  func `what four digits of a year cannot say is no time`(seconds: Int64) {
    #expect(Timestamp(secondsSince1970: seconds) == nil)
  }

  @Test func `fractions do not count, and leap seconds do`() {
    #expect(Timestamp("2026-01-31T20:00:00.999Z") == Timestamp("2026-01-31T20:00:00Z"))
    #expect(Timestamp("2016-12-31T23:59:60Z")?.text == "2016-12-31T23:59:60Z")
    #expect(Timestamp("2016-12-31T23:59:60Z")?.secondsSince1970 == 1_483_228_800)
  }

  @Test(
    arguments: [
      "", "Z", "2026-01-31", "2026-01-31T20:00:00", "2026-01-31T20:00:00+00:00",
      "2026-02-29T20:00:00Z", "2026-13-01T20:00:00Z", "2026-00-01T20:00:00Z",
      "2026-01-31T24:00:00Z", "2026-01-31T20:60:00Z", "2026-01-31T20:00:61Z",
      "2026-01-31T20:00:00.Z", "2026-01-31 20:00:00Z", "+026-01-31T20:00:00Z",
    ])
  func `what is no time in UTC is refused`(text: String) {
    #expect(Timestamp(text) == nil)
  }
}
