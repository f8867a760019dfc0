import Testing

@testable import QEMUControl

/// What is known of ways and I/O threads, as data.
@Suite struct WaySafetyTests {
  @Test(arguments: DataWay.allCases)
  func `a way is used for threads of their own only where it is safe`(way: DataWay) {
    #expect(WaySafety.isSafe(way, hasIOThread: true) == (way == .spool))
    #expect(WaySafety.isSafe(way, hasIOThread: false))
  }

  @Test func `every way has one row, which says what happens otherwise`() {
    #expect(WaySafety.onIOThread.map(\.way) == DataWay.allCases)
    for row in WaySafety.onIOThread { #expect((row.harm == "") == row.isSafe, "\(row.way)") }
  }
}
