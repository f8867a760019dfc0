/// Bytes, with an optional K, M, G or T (powers of 1024); never 0.
package struct ByteCount: RequestWord, Equatable {
  package let bytes: UInt64

  package init(parsing text: String) throws(RequestError) {
    bytes = try ByteOffset(parsing: text).bytes
    guard bytes > 0 else { throw .malformed(text) }
  }
}

/// A place, in bytes from a start, written as a ``ByteCount``; may be 0.
package struct ByteOffset: RequestWord, Equatable {
  package let bytes: UInt64

  package init(parsing text: String) throws(RequestError) {
    let factors: [Character: UInt64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
    let factor = text.last.flatMap { factors[Character($0.uppercased())] }
    let digits = factor == nil ? text[...] : text.dropLast()
    guard let number = UInt64(digits) else { throw .malformed(text) }
    let (product, overflow) = number.multipliedReportingOverflow(by: factor ?? 1)
    guard !overflow else { throw .malformed(text) }
    bytes = product
  }
}

/// A duration of hours, days or weeks: `12h`, `7d`, `2w`.
package struct Age: RequestWord, Equatable {
  package let seconds: Int64

  package init(parsing text: String) throws(RequestError) {
    let units: [Character: Int64] = ["h": 3600, "d": 86400, "w": 7 * 86400]
    guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()),
      (1...10_000).contains(count)
    else { throw .malformed(text) }
    seconds = count * unit
  }
}
