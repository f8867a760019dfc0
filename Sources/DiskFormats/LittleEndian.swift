/// Integers in memory, the least byte first.
extension [UInt8] {
  mutating func put<Value: FixedWidthInteger>(_ value: Value, at place: Int) {
    for index in 0..<(Value.bitWidth / 8) {
      self[place + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
    }
  }

  func little<Value: FixedWidthInteger>(_: Value.Type, at place: Int) -> Value {
    var value: Value = 0
    for index in 0..<(Value.bitWidth / 8) { value |= Value(self[place + index]) << (8 * index) }
    return value
  }

  mutating func putBig<Value: FixedWidthInteger>(_ value: Value, at place: Int) {
    put(value.byteSwapped, at: place)
  }

  func big<Value: FixedWidthInteger>(_ type: Value.Type, at place: Int) -> Value {
    little(type, at: place).byteSwapped
  }
}
