internal import BackupProtocol
internal import JSON

/// Unknown features and frames, sent so that plugins keep ignoring what they do not know.
/// Specified in protocol.md §17.4.
package enum Grease {
  /// A feature name that no version will ever have.
  package static func feature() -> String {
    "grease-" + String(UInt16.random(in: 0...UInt16.max), radix: 16)
  }

  /// A member that no version will ever have, besides those that mean something.
  static func added(to object: JSONObject) -> JSONObject {
    var object = object
    object[feature()] = JSONValue(Int.random(in: 0...1 << 20))
    return object
  }

  /// In a quarter of all runs: a frame of a type that is never assigned, with random bytes.
  static func maybeAppend(to frames: inout FrameWriter) {
    guard Int.random(in: 0..<4) == 0 else { return }
    let nibble = UInt16.random(in: 0...7)
    let type = FrameType(rawValue: 0x8A0A + nibble * 0x1010)
    let bytes = (0..<Int.random(in: 0...64)).map { _ in UInt8.random(in: 0...255) }
    frames.append(type) { $0 += bytes }
  }
}
