/// Why something failed, for the other side's program. protocol.md §15.
public struct ErrorCode: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Not an error: READ_DONE of a READ that succeeded.
  public static let none = ErrorCode(rawValue: 0)
  public static let `protocol` = ErrorCode(rawValue: 1)
  public static let unknownFrame = ErrorCode(rawValue: 2)
  public static let version = ErrorCode(rawValue: 3)
  public static let unsupported = ErrorCode(rawValue: 4)
  public static let limit = ErrorCode(rawValue: 5)
  public static let state = ErrorCode(rawValue: 6)
  public static let badJob = ErrorCode(rawValue: 7)
  public static let badOption = ErrorCode(rawValue: 8)
  public static let io = ErrorCode(rawValue: 16)
  public static let noSpace = ErrorCode(rawValue: 17)
  public static let permission = ErrorCode(rawValue: 18)
  public static let exists = ErrorCode(rawValue: 19)
  public static let notFound = ErrorCode(rawValue: 20)
  public static let corrupt = ErrorCode(rawValue: 21)
  public static let authentication = ErrorCode(rawValue: 22)
  public static let temporary = ErrorCode(rawValue: 23)
  public static let cancelled = ErrorCode(rawValue: 24)
  public static let tooLarge = ErrorCode(rawValue: 25)
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
