/// What a frame is. Specified in protocol.md §4.1.
public struct FrameType: RawRepresentable, Hashable, Sendable {
  /// The number in headers.
  public let rawValue: UInt16
  /// Makes a type of its number, known or not.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  // Session
  /// The host offers versions, features and a pool.
  public static let hello = FrameType(rawValue: 0x0001)
  /// The plugin chooses.
  public static let helloAck = FrameType(rawValue: 0x0002)
  /// What is to be written or read.
  public static let job = FrameType(rawValue: 0x0003)
  /// The job is accepted.
  public static let jobAck = FrameType(rawValue: 0x0004)
  /// The host wants no more: complete the archive.
  public static let finish = FrameType(rawValue: 0x0005)
  /// Everything is on stable storage.
  public static let finished = FrameType(rawValue: 0x0006)
  /// The host wants no archive any more.
  public static let abort = FrameType(rawValue: 0x0007)
  /// What was written is gone.
  public static let aborted = FrameType(rawValue: 0x0008)
  /// A failure, for the other side.
  public static let error = FrameType(rawValue: 0x0009)
  // Streams
  /// A stream begins.
  public static let open = FrameType(rawValue: 0x0010)
  /// Bytes of a stream.
  public static let data = FrameType(rawValue: 0x0011)
  /// A range of a stream without data.
  public static let zero = FrameType(rawValue: 0x0012)
  /// A stream ends.
  public static let close = FrameType(rawValue: 0x0013)
  /// The host asks for a stream.
  public static let read = FrameType(rawValue: 0x0014)
  /// Data that its consumer needs no longer.
  public static let release = FrameType(rawValue: 0x0015)
  /// The producer asks how much is safe.
  public static let checkpoint = FrameType(rawValue: 0x0016)
  /// How much is.
  public static let checkpointAck = FrameType(rawValue: 0x0017)
  /// What comes next takes long.
  public static let busy = FrameType(rawValue: 0x0018)
  /// The last frame that answers a READ.
  public static let readDone = FrameType(rawValue: 0x0019)
  /// A part of an allocation map.
  public static let extents = FrameType(rawValue: 0x001A)
  /// A range of a stream that the archive has lost.
  public static let damaged = FrameType(rawValue: 0x001B)
  // Reports that a receiver may skip
  /// A line for people.
  public static let log = FrameType(rawValue: 0x8001)
  /// How far the plugin is.
  public static let progress = FrameType(rawValue: 0x8002)

  /// Names of the assigned types, as protocol.md writes them.
  public static let names: [FrameType: String] = [
    .hello: "HELLO", .helloAck: "HELLO_ACK", .job: "JOB", .jobAck: "JOB_ACK",
    .finish: "FINISH", .finished: "FINISHED", .abort: "ABORT", .aborted: "ABORTED",
    .error: "ERROR", .open: "OPEN", .data: "DATA", .zero: "ZERO", .close: "CLOSE",
    .read: "READ", .release: "RELEASE", .checkpoint: "CHECKPOINT",
    .checkpointAck: "CHECKPOINT_ACK", .busy: "BUSY", .readDone: "READ_DONE",
    .extents: "EXTENTS", .damaged: "DAMAGED", .log: "LOG", .progress: "PROGRESS",
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
    case .damaged: 24 + UInt32(Limits.logBytesMax)
    case .log: 4 + UInt32(Limits.logBytesMax)
    case .extents: 24 * UInt32(Limits.extentsMax)
    default: Limits.frameBytesMax
    }
  }
}
