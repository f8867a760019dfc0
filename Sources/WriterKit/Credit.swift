/// What a producer may have unreleased beside slots. Specified in protocol.md §8.1.
struct Credit: Equatable {
  /// Inline bytes, 256 KiB…4 GiB.
  let windowBytes: Int
  /// DATA frames, 8…1024.
  let inflightMax: Int

  /// Takes the limits out of a HELLO.
  init(parsing hello: [UInt8]) throws(WireError) {
    let limits = (try? JSONValue(parsing: hello, depthMax: Limits.jsonDepthMax))?["limits"]
    windowBytes = try Self.limit(limits, "window", in: (256 << 10)...(4 << 30), absent: 16 << 20)
    inflightMax = try Self.limit(limits, "inflight", in: 8...1024, absent: 64)
  }

  private static func limit(
    _ limits: JSONValue?, _ name: String, in range: ClosedRange<Int64>, absent: Int
  ) throws(WireError) -> Int {
    guard let value = limits?[name], value != .null else { return absent }
    guard let number = value.integer, range.contains(number) else {
      throw .member(.hello, name: name)
    }
    return Int(number)
  }
}
