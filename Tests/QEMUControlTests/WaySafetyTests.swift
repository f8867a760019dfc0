import JSON
import Testing

@testable import QEMUControl

/// What is known of ways, I/O threads and versions, as data.
@Suite struct WaySafetyTests {
  /// A QEMU, by the commands that tell it from others.
  struct Version: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let commands: [String]
    let safe: Set<DataWay>
  }

  @Test(arguments: [
    Version(testDescription: "7.2", commands: [], safe: [.spool]),
    Version(
      testDescription: "8.2", commands: ["block-job-change"], safe: [.vhostUser, .spool]),
    Version(
      testDescription: "10.0", commands: ["block-job-change", "blockdev-set-active"],
      safe: [.vhostUser, .spool]),
  ])
  func `a way is used for threads of their own only where it was tried`(version: Version) {
    let entries = version.commands.map { name -> JSONValue in
      ["name": .string(name), "meta-type": "command"]
    }
    let safety = WaySafety(schema: QMPSchema(.array(entries)))
    for way in DataWay.allCases {
      #expect(safety.isSafe(way, hasIOThread: true) == version.safe.contains(way), "\(way)")
      #expect(safety.isSafe(way, hasIOThread: false), "\(way)")
    }
  }

  @Test func `every way has one row, which says what happens before its version`() {
    #expect(WaySafety.onIOThread.map(\.way) == DataWay.allCases)
    for row in WaySafety.onIOThread {
      if case .always = row.safe { #expect(row.harm == "") } else { #expect(row.harm != "") }
    }
  }
}
