/// Seconds since 1970 of an instant in UTC as JOB writes it, `2026-01-31T20:00:00Z`; fractions of
/// a second do not count.
package func secondsSince1970(_ instant: String) -> Int64? {
  let text = Array(instant.utf8)
  guard text.count >= 20, text.last == UInt8(ascii: "Z"), text[4] == UInt8(ascii: "-"),
    text[7] == UInt8(ascii: "-"), text[10] == UInt8(ascii: "T"), text[13] == UInt8(ascii: ":"),
    text[16] == UInt8(ascii: ":")
  else { return nil }
  let places = [0..<4, 5..<7, 8..<10, 11..<13, 14..<16, 17..<19]
  var numbers: [Int64] = []
  for place in places {
    guard let number = Int64(String(decoding: text[place], as: UTF8.self)), number >= 0 else {
      return nil
    }
    numbers.append(number)
  }
  let (year, month, day) = (numbers[0], numbers[1], numbers[2])
  guard (1...12).contains(month), (1...31).contains(day), numbers[3] < 24, numbers[4] < 60,
    numbers[5] <= 60
  else { return nil }
  return daysSince1970(year, month, day) * 86400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
}

/// Days of the Gregorian calendar. The year is counted from March, so that a leap day ends it.
private func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
  let years = month > 2 ? year : year - 1
  let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
  return years * 365 + years / 4 - years / 100 + years / 400 + dayOfYear - 719468
}

/// The instant in UTC as JOB_ACK writes it, `2026-01-31T20:00:00Z`; empty up to the first second of
/// 1970, which is what writers without a clock say, and for years of more than four digits.
package func timestamp(secondsSince1970 seconds: Int64) -> String {
  guard (1...253_402_300_799).contains(seconds) else { return "" }
  let (days, rest) = seconds.quotientAndRemainder(dividingBy: 86400)
  let (year, month, day) = dateOfDay(days)
  let numbers = [year, month, day, rest / 3600, rest / 60 % 60, rest % 60]
  var text = ""
  for (number, separator) in zip(numbers, ["", "-", "-", "T", ":", ":"]) {
    let digits = String(number)
    text += separator + (digits.utf8.count < 2 ? "0" : "") + digits
  }
  return text + "Z"
}

/// The other way round from ``daysSince1970(_:_:_:)``, by periods of 400 years.
private func dateOfDay(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
  let (period, dayOfPeriod) = (days + 719468).quotientAndRemainder(dividingBy: 146097)
  let yearOfPeriod =
    (dayOfPeriod - dayOfPeriod / 1460 + dayOfPeriod / 36524 - dayOfPeriod / 146096) / 365
  let dayOfYear = dayOfPeriod - (365 * yearOfPeriod + yearOfPeriod / 4 - yearOfPeriod / 100)
  let monthFromMarch = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
  let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  return (period * 400 + yearOfPeriod + (month > 2 ? 0 : 1), month, day)
}
