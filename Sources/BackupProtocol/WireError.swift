internal import JSON

/// A peer broke the wire. Specified in protocol.md §15.
public enum WireError: Error, Equatable, Sendable {
  /// The first eight bytes are not the preamble: something else speaks on this pipe.
  case preamble(found: [UInt8])
  /// A payload longer than the frame type admits.
  case oversized(FrameType, length: UInt32)
  /// A payload shorter or longer than its struct.
  case length(FrameType, length: Int)
  /// A number outside its range; `field` is the name protocol.md gives it.
  case field(FrameType, field: String, value: UInt64)
  /// A reserved bit or field that is not zero.
  case reserved(FrameType, field: String)
  /// Not the sequence number that follows the last one.
  case sequence(expected: UInt32, found: UInt32)
  /// A type this version does not know and may not skip.
  case unknownFrame(UInt16)
  /// A control payload that is not the JSON this protocol admits.
  case json(FrameType, reason: String)
  /// A member of a control payload that is absent or of the wrong kind.
  case member(FrameType, name: String)
  /// A known frame that the receiver's state does not admit.
  case state(FrameType, state: String)
  /// A must-understand name that the receiver does not know.
  case required(String)
}

extension WireError {
  /// The code that the receiver answers with. Specified in protocol.md §15.2.
  public var code: ErrorCode {
    switch self {
    case .oversized: .limit
    case .unknownFrame: .unknownFrame
    case .state: .state
    case .required: .unsupported
    default: .protocol
    }
  }
}

extension WireError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .preamble(let found): "it did not speak the protocol but wrote \(printable(found))"
    case .oversized(let type, let length): "\(type.name) of \(length) bytes is over the limit"
    case .length(let type, let length): "\(type.name) has a payload of \(length) bytes"
    case .field(let type, let field, let value): "\(type.name) has \(field) \(value)"
    case .reserved(let type, let field): "\(type.name) sets reserved \(field)"
    case .sequence(let expected, let found): "frame number \(found) came in place of \(expected)"
    case .unknownFrame(let type): "unknown frame type 0x" + String(type, radix: 16)
    case .json(let type, let reason): "\(type.name) is not acceptable JSON: \(reason)"
    case .member(let type, let name): "\(type.name) has no proper \"\(name)\""
    case .state(let type, let state): "\(type.name) is not allowed \(state)"
    case .required(let name): "it requires \"\(name)\", which is not known here"
    }
  }
}

/// Bytes as text for a message: printable ASCII as it is, the rest escaped.
func printable(_ bytes: [UInt8]) -> String {
  let text = bytes.map { byte in
    (0x20...0x7E).contains(byte)
      ? String(UnicodeScalar(byte)) : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
  return "\"" + text.joined() + "\""
}
