import ArchiveBytes

/// Records `LENGTH KEY=VALUE\n` that extend a header; the length counts itself.
struct PAXRecords: Equatable {
  /// In their order, which matters to GNU's sparse maps of version 0.0.
  private(set) var records: [(key: String, value: ArraySlice<UInt8>)] = []

  static func == (left: PAXRecords, right: PAXRecords) -> Bool {
    left.records.elementsEqual(right.records) { $0.key == $1.key && $0.value == $1.value }
  }

  /// Bytes of records that are read: a map of a million extents in version 0.1.
  static let byteCountMax: UInt64 = 64 << 20
  /// Records of one header: two for each extent in version 0.0.
  static let countMax = 1 << 21

  init() {}

  /// - Throws: E_CORRUPT if the bytes are no records, one after the other to the last byte.
  init(parsing bytes: [UInt8]) throws(ArchiveError) {
    var place = 0
    while place < bytes.count {
      let start = place
      var length = 0
      while place < bytes.count, let digit = bytes[place].decimalDigit, length < 1 << 30 {
        length = length * 10 + digit
        place += 1
      }
      guard place > start, place < bytes.count, bytes[place] == 0x20, length > place - start + 1,
        length <= bytes.count - start, bytes[start + length - 1] == 0x0A
      else { throw .corrupt("malformed record in a PAX header") }
      let record = bytes[(place + 1)..<(start + length - 1)]
      guard let sign = record.firstIndex(of: UInt8(ascii: "=")), sign > record.startIndex else {
        throw .corrupt("a PAX header has a record without a key")
      }
      guard records.count < Self.countMax else {
        throw .corrupt("a PAX header has more than \(Self.countMax) records")
      }
      let key = String(decoding: record[..<sign], as: UTF8.self)
      records.append((key, record[(sign + 1)...]))
      place = start + length
    }
  }

  /// The last value of a key counts.
  subscript(key: String) -> ArraySlice<UInt8>? { records.last { $0.key == key }?.value }

  /// A number in decimal digits.
  ///
  /// - Throws: E_CORRUPT if the key has a value that is none.
  func number(_ key: String) throws(ArchiveError) -> UInt64? {
    guard let value = self[key] else { return nil }
    guard let number = value.decimal else { throw .corrupt("invalid \(key) in a PAX header") }
    return number
  }

  mutating func append(_ key: String, _ value: String) {
    records.append((key, Array(value.utf8)[...]))
  }

  /// The bytes of all records.
  var encoded: [UInt8] {
    records.flatMap { record in
      let content = [0x20] + Array(record.key.utf8) + [UInt8(ascii: "=")] + record.value + [0x0A]
      var length = content.count
      while String(length).utf8.count + content.count != length {
        length = String(length).utf8.count + content.count
      }
      return Array(String(length).utf8) + content
    }
  }
}

extension UInt8 {
  /// The value of a decimal digit; `nil` if it is none.
  var decimalDigit: Int? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) ? Int(self - UInt8(ascii: "0")) : nil
  }
}

extension Collection<UInt8> {
  /// The number that decimal digits say; `nil` if there is anything else, or it is too large.
  var decimal: UInt64? {
    guard !isEmpty, count <= 20 else { return nil }
    var number: UInt64 = 0
    for byte in self {
      guard let digit = byte.decimalDigit else { return nil }
      let (product, isTooLarge) = number.multipliedReportingOverflow(by: 10)
      let (sum, isOver) = product.addingReportingOverflow(UInt64(digit))
      if isTooLarge || isOver { return nil }
      number = sum
    }
    return number
  }
}
