/// A point in time as JOB and receipts write it: RFC 3339 in UTC, `2026-01-31T20:00:00Z`.
public struct Timestamp: Equatable, Sendable {
  /// In whole seconds.
  public let text: String
  /// Seconds since 1970; a leap second is the one after it.
  public let secondsSince1970: Int64

  /// The start of 1970.
  public static let epoch = Timestamp(day: 0, second: 0)

  /// Reads a text.
  ///
  /// - Returns: `nil` unless `text` is a second that there is; fractions of it do not count.
  public init?(_ text: String) {
    let bytes = Array(text.utf8)
    let form = Array("0000-00-00T00:00:00".utf8)
    guard bytes.count > form.count, zip(bytes, form).allSatisfy(Self.suits),
      Self.isEnd(bytes[form.count...])
    else { return nil }
    func number(_ range: Range<Int>) -> Int {
      bytes[range].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
    let (year, month, day) = (number(0..<4), number(5..<7), number(8..<10))
    let (hour, minute, second) = (number(11..<13), number(14..<16), number(17..<19))
    guard (1...12).contains(month), (1...Self.days(month, of: year)).contains(day),
      hour < 24, minute < 60, second <= 60
    else { return nil }
    self.text = String(decoding: bytes[..<form.count], as: UTF8.self) + "Z"
    secondsSince1970 =
      Int64(CalendarDay(year: year, month: month, day: day).number) * 86400
      + Int64(hour * 3600 + minute * 60 + second)
  }

  /// Makes the time of a clock.
  ///
  /// - Returns: `nil` before 1970, and for years of more than four digits.
  public init?(secondsSince1970 seconds: Int64) {
    guard (0...253_402_300_799).contains(seconds) else { return nil }
    self.init(day: Int(seconds / 86400), second: Int(seconds % 86400))
  }

  private init(day number: Int, second: Int) {
    let day = CalendarDay(number: number)
    let numbers = [day.year, day.month, day.day, second / 3600, second / 60 % 60, second % 60]
    var text = ""
    for (number, separator) in zip(numbers, ["", "-", "-", "T", ":", ":"]) {
      text += separator + (number < 10 ? "0" : "") + String(number)
    }
    self.text = text + "Z"
    secondsSince1970 = Int64(number) * 86400 + Int64(second)
  }

  private static func suits(_ found: UInt8, _ wanted: UInt8) -> Bool {
    wanted == UInt8(ascii: "0") ? isDigit(found) : found == wanted
  }

  /// `Z`, or a fraction and `Z`.
  private static func isEnd(_ rest: ArraySlice<UInt8>) -> Bool {
    guard rest.last == UInt8(ascii: "Z") else { return false }
    let fraction = rest.dropLast()
    return fraction.isEmpty
      || fraction.first == UInt8(ascii: ".") && fraction.count > 1
        && fraction.dropFirst().allSatisfy(isDigit)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func days(_ month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
