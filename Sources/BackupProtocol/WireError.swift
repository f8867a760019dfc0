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
  /// Two elements of a list with the same name or id.
  case twice(FrameType, name: String)
  /// A known frame that the receiver's state does not admit.
  case state(FrameType, state: String)
  /// A frame after the one that ends all that the peer says.
  case afterEnd(FrameType, ended: String)
  /// A frame of the answer to a READ, out of its order.
  case answer(FrameType)
  /// The same in the answer to a READ of a range, or beyond the range, or before its end.
  case rangeAnswer(FrameType)
  /// A frame of an answer without a READ.
  case unrequested(FrameType)
  /// A must-understand name that the receiver does not know.
  case required(String)
  /// HELLO_ACK accepts a feature that HELLO did not offer.
  case notOffered(String)
  /// A frame of a feature that HELLO_ACK did not accept.
  case notInUse(FrameType, feature: String)
  /// A range that does not begin where the one before it ended.
  case gap(FrameType, offset: UInt64, expected: UInt64)
  /// A range that goes beyond the end of its stream, or is empty.
  case beyond(FrameType, end: UInt64, size: UInt64)
  /// A range that ends inside a cluster, and before the end of its stream.
  case cut(FrameType, end: UInt64)
  /// CLOSE says another length than the stream had, or came before its end.
  case closed(length: UInt64, at: UInt64, size: UInt64?)
  /// RELEASE of a DATA that was not sent, or is released already.
  case released(UInt32, again: Bool)
  /// FINISHED came while so many DATA were not released.
  case unreleased(Int)
}

extension WireError: CustomStringConvertible {
  /// The predicate of a sentence about the peer.
  public var description: String {
    switch self {
    case .preamble(let found): "it did not speak the protocol but wrote \(printable(found))"
    case .oversized(let type, let length): "\(type.name) of \(length) bytes is over the limit"
    case .length(let type, let length): "\(type.name) has a payload of \(length) bytes"
    case .field(let type, let field, let value): "\(type.name) has \(field) \(value)"
    case .reserved(let type, "reserved"): "\(type.name) has a reserved field that is not zero"
    case .reserved(let type, "flags"): "\(type.name) sets undefined bits of its flags"
    case .reserved(let type, let field): "\(type.name) sets \(field), which must be zero here"
    case .sequence(let expected, let found): "frame number \(found) came in place of \(expected)"
    case .unknownFrame(let type): "unknown frame type 0x" + String(type, radix: 16)
    case .json(let type, let reason): "\(type.name) is not acceptable JSON: \(reason)"
    case .member(let type, let name): "\(type.name) has no proper \"\(name)\""
    case .twice(let type, let name): "\(type.name) has the same name or id twice in \"\(name)\""
    case .required(let name): "it requires \"\(name)\", which is not known here"
    default: conduct
    }
  }

  /// The same of frames that are sound, but not here and now.
  private var conduct: String {
    switch self {
    case .state(let type, let state): "\(type.name) is not allowed \(state)"
    case .afterEnd(let type, let ended): "\(type.name) came after \(ended)"
    case .answer(let type): "\(type.name) is not allowed here in the answer to a READ"
    case .rangeAnswer(.readDone): "READ_DONE came before all of the range that was asked for"
    case .rangeAnswer(let type) where type == .open || type == .close:
      "\(type.name) is not allowed in the answer to a READ of a range"
    case .rangeAnswer(let type): "\(type.name) goes beyond the range that was asked for"
    case .unrequested(let type):
      "\(type.name) is not allowed for a stream that was not requested"
    case .notOffered(let feature):
      "HELLO_ACK accepts the feature \"\(feature)\", which HELLO did not offer"
    case .notInUse(let type, let feature):
      "\(type.name) needs the feature \"\(feature)\", which is not in use"
    case .gap(let type, let offset, let expected):
      "\(type.name) continues the stream at byte \(offset) instead of \(expected)"
    case .beyond(let type, let end, let size):
      "\(type.name) ends at byte \(end) of a stream of \(size) bytes"
    case .cut(let type, let end):
      "\(type.name) ends at byte \(end), which is no multiple of 65536 and not the stream's end"
    case .closed(let length, let position, let size):
      "CLOSE says that the stream has \(length) bytes, but \(position)"
        + (size.map { " of \($0)" } ?? "") + " came before it"
    case .released(let sequence, again: true): "RELEASE names DATA \(sequence) a second time"
    case .released(let sequence, again: false):
      "RELEASE names frame \(sequence), which is not an unreleased DATA"
    case .unreleased(let count): "FINISHED came before \(count) DATA were released"
    default: "it broke the protocol"
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
