@testable import BackupJobs
import JSON
import Requests
import Testing

@testable import MachineFiles

/// Text that a peer or an archive gives: what it takes in memory is bounded before it is parsed.
@Suite struct JSONTests {
  private func text(_ element: String, count: Int) -> [UInt8] {
    Array("[\(Array(repeating: element, count: count).joined(separator: ","))]".utf8)
  }

  @Test(arguments: ["{}", "0", "[]", #"{"a":0}"#])
  func `more values than the limit are refused`(element: String) throws {
    let many = text(element, count: JSONValue.valuesMax)
    #expect(throws: JSONError.tooMany(limit: JSONValue.valuesMax)) {
      try JSONValue(parsing: many)
    }
    #expect(throws: JSONError.tooMany(limit: JSONValue.valuesMax)) {
      try JSONValue(parsingLeniently: many)
    }
  }

  @Test func `as many values as QEMU's schema has, and more, are parsed`() throws {
    let value = try JSONValue(parsing: text(#"{"name":"x, y [{"}"#, count: 30_000))
    #expect(value.array?.count == 30_000)
  }

  @Test func `what stands in a string is no value`() throws {
    let string = String(repeating: #"[,{\"\\"#, count: 100_000)
    #expect(try JSONValue(parsing: Array("[\"\(string)\"]".utf8)).array?.count == 1)
  }

  @Test(arguments: MachineFile.Kind.allCases)
  func `a machine's file of more than 1 MiB is not read`(kind: MachineFile.Kind) {
    let bytes = [UInt8](repeating: 0x20, count: MachineFile.byteCountMax + 1)
    #expect(throws: MachineFileError.tooLong(limit: MachineFile.byteCountMax)) {
      try MachineFile.told(kind, bytes)
    }
  }
}
