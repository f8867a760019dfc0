/// Units as DMTF DSP0004 programs them (`byte * 2^20`), and as older descriptors name them.
enum OVFUnits {
  /// How many bytes the unit is; `nil` if it is no unit of bytes.
  static func bytes(_ unit: String) -> UInt64? {
    let text = unit.lowercased().filter { $0 != " " && $0 != "\t" }
    switch text {
    case "", "byte", "bytes": return 1
    case "kb", "kilobyte", "kilobytes": return 1 << 10
    case "mb", "megabyte", "megabytes": return 1 << 20
    case "gb", "gigabyte", "gigabytes": return 1 << 30
    case "tb", "terabyte", "terabytes": return 1 << 40
    default: break
    }
    let factors = text.split(separator: "*", omittingEmptySubsequences: false)
    guard factors.first == "byte", factors.count <= 8 else { return nil }
    var product: UInt64 = 1
    for factor in factors.dropFirst() {
      guard let value = value(factor) else { return nil }
      let (next, isOver) = product.multipliedReportingOverflow(by: value)
      guard !isOver else { return nil }
      product = next
    }
    return product
  }

  /// `1024` or `2^10`
  private static func value(_ factor: Substring) -> UInt64? {
    let parts = factor.split(separator: "^", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let base = UInt64(parts[0]), base > 0 else { return nil }
    guard parts.count == 2 else { return base }
    guard let exponent = UInt8(parts[1]), exponent <= 63 else { return nil }
    var power: UInt64 = 1
    for _ in 0..<exponent {
      let (next, isOver) = power.multipliedReportingOverflow(by: base)
      guard !isOver else { return nil }
      power = next
    }
    return power
  }

  /// A number of units as bytes, 2^53 - 1 at most.
  static func bytes(_ number: UInt64, of unit: String) -> UInt64? {
    guard let unit = bytes(unit) else { return nil }
    let (bytes, isOver) = number.multipliedReportingOverflow(by: unit)
    return isOver || bytes >= 1 << 53 ? nil : bytes
  }
}
