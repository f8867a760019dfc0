/// A frame about one stream, parsed: what a producer sends between OPEN and READ_DONE.
public enum StreamFrame: Equatable, Sendable {
  case open
  case data(DataFrame)
  case zero(ZeroFrame)
  case damaged(DamagedFrame)
  case close(CloseFrame)
  case readDone(ReadDoneFrame)

  /// - Throws: `WireError`; for a type that is none of these, `.state`.
  public init(_ type: FrameType, parsing payload: RawSpan) throws(WireError) {
    switch type {
    case .open:
      _ = try ControlFrame.members(.open, payload.allBytes)
      self = .open
    case .data: self = .data(try DataFrame(parsing: payload))
    case .zero: self = .zero(try ZeroFrame(parsing: payload))
    case .damaged: self = .damaged(try DamagedFrame(parsing: payload))
    case .close: self = .close(try CloseFrame(parsing: payload))
    case .readDone: self = .readDone(try ReadDoneFrame(parsing: payload))
    default: throw .state(type, state: "inside a stream")
    }
  }
}
