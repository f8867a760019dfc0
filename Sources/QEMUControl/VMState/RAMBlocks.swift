internal import JSON

/// The memory that QEMU migrates: the guest's RAM, and that of devices and firmware.
enum RAMBlocks {
  /// The sum of all blocks in bytes.
  ///
  /// QEMU tells them as a table for people: name, page size, offset, used and total length, …
  ///
  /// - Returns: `nil` if the table is not as it should be.
  static func byteCount(inTable table: String) -> Int64? {
    var sum: Int64 = 0
    for line in table.split(whereSeparator: \.isNewline).dropFirst() {
      // Offset, used and total length; since 8.0 also an address.
      let numbers = line.split(separator: " ").filter { $0.hasPrefix("0x") }
      guard numbers.count >= 3, let total = Int64(numbers[2].dropFirst(2), radix: 16) else {
        return nil
      }
      let (next, isOver) = sum.addingReportingOverflow(total)
      guard !isOver, next <= 1 << 50 else { return nil }
      sum = next
    }
    return sum > 0 ? sum : nil
  }

  /// Asks a machine.
  ///
  /// - Parameter ram: Bytes of the guest's RAM.
  /// - Returns: At least `ram`.
  static func byteCount(_ inquiry: Inquiry, ram: Int64) async throws(ControlError) -> Int64 {
    let answer = try await inquiry.askedForMaybe("x-query-ramblock")
    let table = answer?["human-readable-text"]?.string ?? ""
    // Without the table: more than the memory of any graphics adapter.
    return max(ram, byteCount(inTable: table) ?? ram + 1 << 30)
  }
}
