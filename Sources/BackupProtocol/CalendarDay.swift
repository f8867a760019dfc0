/// A day of the Gregorian calendar, and its number since 1970.
///
/// Years are counted from March, so that a leap day ends one, and in periods of 400, which all have
/// as many days.
struct CalendarDay {
  let year: Int
  let month: Int
  let day: Int

  private static let daysOfPeriod = 146_097
  /// Days from the first of March of the year 0 to the start of 1970.
  private static let daysTo1970 = 719_468

  init(year: Int, month: Int, day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// Days since 1970.
  var number: Int {
    // A period later, so that nothing is negative.
    let years = 400 + (month > 2 ? year : year - 1)
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return years * 365 + years / 4 - years / 100 + years / 400 + dayOfYear
      - Self.daysTo1970 - Self.daysOfPeriod
  }

  /// The other way round.
  ///
  /// - Parameter number: Not negative.
  init(number: Int) {
    let (period, dayOfPeriod) = (number + Self.daysTo1970)
      .quotientAndRemainder(dividingBy: Self.daysOfPeriod)
    let yearOfPeriod =
      (dayOfPeriod - dayOfPeriod / 1460 + dayOfPeriod / 36524 - dayOfPeriod / 146096) / 365
    let dayOfYear = dayOfPeriod - (365 * yearOfPeriod + yearOfPeriod / 4 - yearOfPeriod / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = period * 400 + yearOfPeriod + (month > 2 ? 0 : 1)
  }
}
