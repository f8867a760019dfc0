/// Why something failed, for the other side's program. protocol.md §15.
public struct ErrorCode: RawRepresentable, Hashable, Sendable {
  /// The number in frames.
  public let rawValue: UInt32
  /// Makes a code of its number, known or not.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Not an error: READ_DONE of a READ that succeeded.
  public static let none = ErrorCode(rawValue: 0)
  /// A malformed frame, or a range that does not continue: a bug.
  public static let `protocol` = ErrorCode(rawValue: 1)
  /// A type that is not known and may not be skipped.
  public static let unknownFrame = ErrorCode(rawValue: 2)
  /// No common version.
  public static let version = ErrorCode(rawValue: 3)
  /// A mode, kind, feature or READ that this plugin does not do.
  public static let unsupported = ErrorCode(rawValue: 4)
  /// Over a limit of the protocol.
  public static let limit = ErrorCode(rawValue: 5)
  /// A known frame at the wrong time.
  public static let state = ErrorCode(rawValue: 6)
  /// The job contradicts itself or lacks something.
  public static let badJob = ErrorCode(rawValue: 7)
  /// An unknown option, or a bad value.
  public static let badOption = ErrorCode(rawValue: 8)
  /// The storage failed.
  public static let io = ErrorCode(rawValue: 16)
  /// The storage or a quota is full.
  public static let noSpace = ErrorCode(rawValue: 17)
  /// Not allowed.
  public static let permission = ErrorCode(rawValue: 18)
  /// Something is there already.
  public static let exists = ErrorCode(rawValue: 19)
  /// No such stream, or a part of the archive is missing.
  public static let notFound = ErrorCode(rawValue: 20)
  /// The archive is damaged.
  public static let corrupt = ErrorCode(rawValue: 21)
  /// A secret was refused.
  public static let authentication = ErrorCode(rawValue: 22)
  /// May work later, unchanged.
  public static let temporary = ErrorCode(rawValue: 23)
  /// Called off.
  public static let cancelled = ErrorCode(rawValue: 24)
  /// The format cannot hold it.
  public static let tooLarge = ErrorCode(rawValue: 25)
  /// Anything else: a bug in the sender.
  public static let `internal` = ErrorCode(rawValue: 31)

  static let names: [ErrorCode: String] = [
    .protocol: "E_PROTOCOL", .unknownFrame: "E_UNKNOWN_FRAME", .version: "E_VERSION",
    .unsupported: "E_UNSUPPORTED", .limit: "E_LIMIT", .state: "E_STATE", .badJob: "E_BAD_JOB",
    .badOption: "E_BAD_OPTION", .io: "E_IO", .noSpace: "E_NO_SPACE",
    .permission: "E_PERMISSION", .exists: "E_EXISTS", .notFound: "E_NOT_FOUND",
    .corrupt: "E_CORRUPT", .authentication: "E_AUTH", .temporary: "E_TEMPORARY",
    .cancelled: "E_CANCELLED", .tooLarge: "E_TOO_LARGE", .internal: "E_INTERNAL",
  ]

  /// The name of protocol.md; a code nobody assigned counts as E_INTERNAL.
  public var name: String { Self.names[self] ?? "E_INTERNAL" }
}
