/// What of protocol.md a peer broke, and the code that stands for it (§15).
///
/// The one place that says which rule forbids what: every error names a kind of offence, and this
/// file gives it its clause.
public struct ProtocolRule: Equatable, Sendable {
  /// A rule, "8.1-1", or where none has a number the section, "4.7".
  public let clause: String
  /// Why, for programs.
  public let code: ErrorCode

  /// - Parameter clause: One that protocol.md has; a test looks.
  init(_ clause: String, _ code: ErrorCode = .protocol) {
    self.clause = clause
    self.code = code
  }

  /// As messages cite it: "[8.1-1], E_PROTOCOL", or "§4.7, E_PROTOCOL".
  public var citation: String {
    (clause.utf8.contains(0x2D) ? "[\(clause)]" : "§\(clause)") + ", " + code.name
  }
}

/// What a plugin does against the protocol beyond the bytes of its frames.
public enum Misconduct: Sendable, CaseIterable {
  /// Its output ended inside a frame.
  case halfFrame
  /// HELLO_ACK and manifest do not agree.
  case otherIdentity
  /// Its manifest needs the map, and HELLO_ACK does not accept it.
  case mapNotAsked
  /// More text than a host keeps.
  case flood
  /// No answer within its time.
  case silence
  /// No progress within the stall limit.
  case standstill
  /// One debt took longer than any may.
  case overdue
  /// It did not exit after FINISHED.
  case lingering
  /// It went on after ABORT and the end of its input.
  case ignoredAbort
  /// It ended without FINISHED, or with a status other than 0.
  case ending
  /// A system call that its sandbox denies.
  case deniedCall
  /// Its archive is not what it announced.
  case archive
  /// A stream it wrote is not as long as it announced.
  case streamLength
  /// The receipt in its archive is not what was sent.
  case receipt
  /// Its own digest of a stream is not that of the bytes it sent.
  case digest
}

extension Misconduct {
  /// What it breaks.
  public var rule: ProtocolRule {
    switch self {
    case .halfFrame: ProtocolRule("3.2-5")
    case .otherIdentity: ProtocolRule("2.3-4")
    case .mapNotAsked: ProtocolRule("11-4")
    case .flood: ProtocolRule("16-1", .limit)
    case .silence, .lingering: ProtocolRule("13.1")
    case .standstill: ProtocolRule("13.1-1")
    case .overdue: ProtocolRule("13.1-4")
    case .ignoredAbort: ProtocolRule("13.2")
    case .ending: ProtocolRule("2.4-1", .internal)
    case .deniedCall: ProtocolRule("18", .permission)
    case .archive: ProtocolRule("14.1-2")
    case .streamLength: ProtocolRule("14.1-5")
    case .receipt: ProtocolRule("14.2")
    case .digest: ProtocolRule("7.2-9", .corrupt)
    }
  }
}

extension WireError {
  /// The code that the receiver answers with. Specified in protocol.md §15.2.
  public var code: ErrorCode { rule.code }

  /// What it breaks.
  public var rule: ProtocolRule {
    switch self {
    case .preamble: ProtocolRule("3.1-1")
    case .oversized: ProtocolRule("3.2-1", .limit)
    case .length: ProtocolRule("3.3-1")
    case .field(let type, let field, let value): Self.rule(type, field: field, value)
    case .reserved(.extents, "flags"): ProtocolRule("4.1-2")
    case .reserved: ProtocolRule("1.2-2")
    case .sequence: ProtocolRule("3.2-2")
    case .unknownFrame: ProtocolRule("3.4-2", .unknownFrame)
    case .json: ProtocolRule("1.3")
    case .member(let type, let name): Self.rule(type, member: name)
    case .twice: ProtocolRule("1.4-2")
    case .state: ProtocolRule("3.4-3", .state)
    case .afterEnd: ProtocolRule("4.4-2", .state)
    case .answer: ProtocolRule("7.2-1", .state)
    case .rangeAnswer(.open), .rangeAnswer(.close): ProtocolRule("7.2-2", .state)
    case .rangeAnswer: ProtocolRule("7.2-2")
    case .unrequested: ProtocolRule("7.2-3", .state)
    case .required: ProtocolRule("17.3-1", .unsupported)
    case .notOffered: ProtocolRule("4.2-3")
    case .notInUse: ProtocolRule("4.2-4", .state)
    case .gap(.extents, _, _): ProtocolRule("4.14-2")
    case .gap, .beyond: ProtocolRule("6.2-3")
    case .cut: ProtocolRule("6.2-4")
    case .closed: ProtocolRule("4.9-1")
    case .released: ProtocolRule("4.11-1")
    case .unreleased: ProtocolRule("5.4-2")
    }
  }

  private static func rule(_ type: FrameType, field: String, _ value: UInt64) -> ProtocolRule {
    switch (type, field) {
    case (_, "stream"): ProtocolRule("3.2-4")
    case (.data, "offset"), (.zero, "offset"):
      ProtocolRule(value % Cluster.bytes != 0 ? "6.2-4" : type == .data ? "4.7-5" : "4.8-3")
    case (.data, "length"): ProtocolRule("4.7-5")
    case (.data, "nmask"): ProtocolRule("3.3-1")
    case (.data, "mask"): ProtocolRule("4.7-4")
    case (.data, "slot"): ProtocolRule("4.7")
    case (.data, "request"), (.zero, "request"), (.damaged, "request"):
      ProtocolRule("7.2-3")
    case (.damaged, "offset"), (.damaged, "length"): ProtocolRule("4.15-1")
    case (.zero, "length"): ProtocolRule("4.8-3")
    case (.zero, "kind") where value == 2: ProtocolRule("4.8-2")
    case (.close, "logical_length"): ProtocolRule("16-1")
    // An algorithm that there is, of the other kind of stream.
    case (.close, "digest_alg") where DigestAlgorithm(rawValue: UInt16(clamping: value)) != nil:
      ProtocolRule("10.1-2")
    case (.close, "digest_alg"), (.close, "digest_len"): ProtocolRule("10.1-1")
    case (.read, _): ProtocolRule("4.10-1")
    case (.readDone, "request"): ProtocolRule("4.10-2")
    case (.extents, "offset"), (.extents, "length"): ProtocolRule("4.14-1")
    case (.checkpointAck, "token_len"): ProtocolRule("3.3-1")
    case (.busy, _): ProtocolRule("13.1-2")
    case (.error, "code"): ProtocolRule("15.1-1")
    case (.error, _): ProtocolRule("4.5-1")
    case (.helloAck, "version"): ProtocolRule("4.2-2")
    // A number that no meaning is assigned to.
    default: ProtocolRule("1.2-2")
    }
  }

  private static func rule(_ type: FrameType, member: String) -> ProtocolRule {
    switch (type, member) {
    case (.finished, "stored"): ProtocolRule("4.4-4")
    case (.finished, "artefacts"), (.finished, "size"): ProtocolRule("4.4-1")
    case (.hello, "versions"): ProtocolRule("4.2-2")
    case (.hello, "slots"), (.hello, "slot_size"), (.hello, "max_frame"), (.hello, "window"),
      (.hello, "inflight"):
      ProtocolRule("4.2-5")
    case (.helloAck, "plugin"), (.helloAck, "plugin_version"): ProtocolRule("2.3-4")
    case (_, "name"): ProtocolRule("1.4-1")
    case (_, "role"): ProtocolRule("1.4-3")
    case (_, "id"): ProtocolRule("3.2-4")
    case (_, "size"): ProtocolRule("16-1")
    case (_, "digest"): ProtocolRule("10.2-3")
    case (_, "digest.alg"): ProtocolRule("10.1-2")
    case (_, "salvage"): ProtocolRule("4.3-6")
    case _ where member == "parent" || member.hasPrefix("parent."): ProtocolRule("6.4-1")
    case _ where member == "machine" || member.hasPrefix("machine."): ProtocolRule("4.3-5")
    default: ProtocolRule("1.3-5")
    }
  }
}
