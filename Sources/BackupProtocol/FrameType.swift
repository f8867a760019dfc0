/// What a frame is. Specified in protocol.md §4.1.
public struct FrameType: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  // Session
  public static let hello = FrameType(rawValue: 0x0001)
  public static let helloAck = FrameType(rawValue: 0x0002)
  public static let job = FrameType(rawValue: 0x0003)
  public static let jobAck = FrameType(rawValue: 0x0004)
  public static let finish = FrameType(rawValue: 0x0005)
  public static let finished = FrameType(rawValue: 0x0006)
  public static let abort = FrameType(rawValue: 0x0007)
  public static let aborted = FrameType(rawValue: 0x0008)
  public static let error = FrameType(rawValue: 0x0009)
  // Streams
  public static let open = FrameType(rawValue: 0x0010)
  public static let data = FrameType(rawValue: 0x0011)
  public static let zero = FrameType(rawValue: 0x0012)
  public static let close = FrameType(rawValue: 0x0013)
  public static let read = FrameType(rawValue: 0x0014)
  public static let release = FrameType(rawValue: 0x0015)
  public static let checkpoint = FrameType(rawValue: 0x0016)
  public static let checkpointAck = FrameType(rawValue: 0x0017)
  public static let busy = FrameType(rawValue: 0x0018)
  public static let readDone = FrameType(rawValue: 0x0019)
  public static let extents = FrameType(rawValue: 0x001A)
  // Reports that a receiver may skip
  public static let log = FrameType(rawValue: 0x8001)
  public static let progress = FrameType(rawValue: 0x8002)

  /// Names of the assigned types, as protocol.md writes them.
  public static let names: [FrameType: String] = [
    .hello: "HELLO", .helloAck: "HELLO_ACK", .job: "JOB", .jobAck: "JOB_ACK",
    .finish: "FINISH", .finished: "FINISHED", .abort: "ABORT", .aborted: "ABORTED",
    .error: "ERROR", .open: "OPEN", .data: "DATA", .zero: "ZERO", .close: "CLOSE",
    .read: "READ", .release: "RELEASE", .checkpoint: "CHECKPOINT",
    .checkpointAck: "CHECKPOINT_ACK", .busy: "BUSY", .readDone: "READ_DONE",
    .extents: "EXTENTS", .log: "LOG", .progress: "PROGRESS",
  ]

  /// The name of protocol.md, or the number.
  public var name: String {
    Self.names[self] ?? "frame type 0x" + String(rawValue, radix: 16, uppercase: true)
  }

  /// Whether this version assigns a meaning to the type.
  public var isKnown: Bool { Self.names[self] != nil }

  /// Whether a receiver that does not know the type skips it (bit 15).
  public var isIgnorable: Bool { rawValue & 0x8000 != 0 }

  /// Whether the payload is nothing but JSON.
  public var isControl: Bool { (0x0001...0x0008).contains(rawValue) || self == .open }

  /// Longest payload of the type, the greater number of the frame table (protocol.md §4.1).
  public var payloadBytesMax: UInt32 {
    switch self {
    case _ where isControl: Limits.controlBytesMax
    case .error: Limits.controlBytesMax
    case .zero, .progress: 24
    case .close: 48
    case .read: 16
    case .release: 4 * UInt32(Limits.releasesMax)
    case .checkpoint, .readDone: 8
    case .checkpointAck: 16 + UInt32(Limits.tokenBytesMax)
    case .busy: 8 + UInt32(Limits.logBytesMax)
    case .log: 4 + UInt32(Limits.logBytesMax)
    case .extents: 24 * UInt32(Limits.extentsMax)
    default: Limits.frameBytesMax
    }
  }
}
