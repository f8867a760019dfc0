package import BlockSource
package import BackupProtocol
package import PluginHost
package import Pump
package import Requests
internal import Sandbox
package import System

/// Why a command failed, for people: "cannot open disk.raw: permission denied".
package struct JobError: Error, Sendable {
  package let status: CommandStatus
  /// What could not be done: "open disk.raw"; empty where the message says it.
  package let action: String
  /// The cause, without what failed.
  package private(set) var message: String
  /// What to do about it, if known.
  package private(set) var remedy: Remedy?
  /// What is wrong with the request, which says it in its user's words.
  package private(set) var request: RequestError?
  /// Last lines a plugin wrote, without control characters.
  package let lastLines: [String]
  /// What of the protocol a plugin broke; the message ends with it.
  package let rule: ProtocolRule?
  /// The code of the protocol, the plugin's own or that of the rule it broke.
  package private(set) var code: ErrorCode?

  /// "cannot `action`: `message`"; without an action, `message` is a whole sentence.
  package init(
    _ status: CommandStatus, cannot action: String? = nil, _ message: String,
    hint: Remedy? = nil, lastLines: [String] = [], rule: ProtocolRule? = nil
  ) {
    self.status = status
    self.action = action ?? ""
    self.message = message + (rule.map { " (\($0.citation))" } ?? "")
    self.rule = rule
    code = rule?.code
    remedy = hint
    self.lastLines = lastLines
  }

  /// The same failure with another cause and remedy.
  package func saying(_ message: String, hint: Remedy?) -> JobError {
    var error = self
    (error.message, error.remedy, error.request) = (message, hint, nil)
    return error
  }
}

extension JobError: CustomStringConvertible {
  /// What failed and why, as one sentence.
  package var description: String { sentence(message) }

  /// The same with other words for the cause.
  package func sentence(_ cause: String) -> String {
    action.isEmpty ? cause : "cannot \(action): \(cause)"
  }
}

extension JobError {
  package init(_ error: RequestError) {
    self.init(.usage, error.description, hint: error.remedy)
    request = error
  }

  package init(_ error: SourceError, cannot action: String) {
    var words = error.description
    if case .system(let error) = error { words = error.cause(within: action) }
    self.init(error.status, cannot: action, words, hint: error.remedy)
  }

  package init(_ failure: PluginFailure) {
    self.init(
      failure.status, failure.description, hint: failure.remedy,
      lastLines: failure.lastLines, rule: failure.rule)
    if case .reported(let frame) = failure.cause { code = frame.code }
  }

  package init(_ error: PublishingError, cannot action: String) {
    let words =
      switch error {
      case .system(let error): error.cause(within: action)
      case .exists(let path) where action.contains(path): "already exists"
      default: error.description
      }
    self.init(error.status, cannot: action, words, hint: error.remedy, rule: error.rule)
  }

  package init(_ error: SystemCallError, cannot action: String?) {
    self.init(
      error.status, cannot: action, error.cause(within: action ?? ""), hint: error.remedy)
  }
}

extension SystemCallError {
  package var status: CommandStatus {
    switch errnoName(code) {
    case "EACCES", "EPERM": .permission
    case "ENOENT", "ENOTDIR": .noInput
    case "ENOSPC", "EDQUOT", "EIO", "EROFS": .inputOutput
    default: .system
    }
  }

  /// What to do about an error whose name alone does not say it.
  var remedy: Remedy? {
    errnoName(code) == "EFBIG"
      ? "raise the limit on file sizes (ulimit -f, or LimitFSIZE= of the systemd unit)" : nil
  }

  /// The error, without its verb and subject if the beginning of the sentence names the subject.
  func cause(within beginning: String) -> String {
    !subject.isEmpty && beginning.contains(subject) ? errnoText(code) : description
  }
}

extension JobError {
  package init(_ failure: LaneFailure) {
    switch failure {
    case .cancelled: self.init(.interrupted, "interrupted; nothing was published")
    case .source(let stream, let error): self.init(error, cannot: "read \(stream)")
    case .read(let stream, let offset, let code):
      self.init(
        .inputOutput, cannot: "read \(stream) at byte \(offset)", errnoText(code),
        hint: "the image or the storage below it is damaged; nothing was published")
    case .sourceStalled(let stream, let seconds):
      self.init(
        .inputOutput, cannot: "read \(stream)", "QEMU answered no read for \(Int(seconds)) s",
        hint: .moreTime(.storage))
    case .noWriters: self.init(.software, "every plugin has failed")
    case .archive(let stream, let what):
      self.init(.badData, "\"\(stream)\" in the archive \(what)")
    case .falseDigest(let stream):
      self.init(
        .badData,
        "\"\(stream)\" in the archive is damaged: its digest differs from the archive's own",
        rule: Misconduct.digest.rule)
    case .emptyArchive:
      self.init(
        .badData,
        "the archive is damaged: it contains neither disks nor configurations")
    case .unreadable(let stream, let code, let what):
      self.init(
        code.status, "\"\(stream)\" in the archive \(what)", hint: Self.remedy(stream, code))
      self.code = code
    case .target(let what): self.init(.inputOutput, what)
    case .system(let what): self.init(.system, what)
    }
  }

  /// What to do about a stream that a plugin could not read.
  private static func remedy(_ stream: String, _ code: ErrorCode) -> Remedy? {
    switch code {
    // A reader writes to its scratch file only.
    case .noSpace: .moreScratchSpace
    // The rest of the archive is there.
    case .notFound: .skip(stream)
    default: nil
    }
  }
}

extension SourceError {
  var status: CommandStatus {
    switch self {
    case .missing, .notAFile, .directoryUnusable: .noInput
    case .permissionDenied: .permission
    case .formatUnknown: .usage
    case .formatMismatch, .notAnImage, .unsupported, .nameRefused, .backingFormatMissing,
      .chainTooDeep, .chainLoop, .changed:
      .badData
    case .inUse: .noInput
    case .toolMissing, .sandbox: .unavailable
    case .protocolBroken, .vhostUserLacking: .protocol
    case .toolFailed, .daemonGone, .exportGone, .notInTime, .refused: .inputOutput
    case .system: .system
    }
  }

  var remedy: Remedy? {
    switch self {
    case .nameRefused(_, _, .elsewhere(let directory)): .allowBacking(directory: directory)
    case .vhostUserLacking: .transportNBD
    default: nil
    }
  }
}

extension PluginFailure {
  var status: CommandStatus {
    switch cause {
    case .violation: .protocol
    case .misconduct, .ended, .denied, .silent, .stalled, .overdue: .software
    case .launch: .unavailable
    case .aborted: .interrupted
    case .reported(let frame): frame.code.status
    }
  }

  var remedy: Remedy? {
    switch cause {
    case .launch: .runDoctor
    case .stalled, .overdue: .moreTime(.plugin)
    case .reported(let frame) where frame.code == .noSpace:
      "free some space on the target's file system, then run the job again"
    default: nil
    }
  }
}

extension ErrorCode {
  var status: CommandStatus {
    switch self {
    case .badOption, .badJob: .usage
    // The host has opened the archive: what a plugin misses is a part of it.
    case .corrupt, .notFound: .badData
    case .io, .noSpace: .inputOutput
    case .permission, .authentication: .permission
    case .exists: .cannotCreate
    case .temporary: .partial
    case .protocol, .unknownFrame, .version, .limit, .state: .protocol
    // What a format or a plugin cannot do, for what a disk is or for how much there is of it.
    case .unsupported, .tooLarge: .unavailable
    default: .software
    }
  }
}

extension PublishingError {
  var status: CommandStatus {
    switch self {
    case .badName: .usage
    case .taken: .busy
    case .exists, .exchanged, .sharedDirectory: .cannotCreate
    case .notSynced: .inputOutput
    case .stillWritten, .foreignObject, .tooManyFiles, .tooDeep, .badReceipt, .missingArtefact,
      .nothingWritten:
      .software
    case .system(let error):
      switch errnoName(error.code) {
      case "ENOSPC", "EDQUOT", "EIO": .inputOutput
      case "EACCES", "EPERM": .permission
      default: .cannotCreate
      }
    }
  }

  var remedy: Remedy? {
    switch self {
    case .exists: "choose another name, or remove it first"
    case .taken: "wait until it has finished, or choose another name"
    case .notSynced:
      .text(
        "the archive was kept, but a power failure may remove its name: check the storage, then "
          + "run sync")
    case .stillWritten: "nothing was published; find the process with fuser or lsof, then retry"
    case .sharedDirectory: .shareTarget
    case .exchanged: "another user can write to its directory: choose one only root can write to"
    case .system(let error) where errnoName(error.code) == "ENOENT":
      "create its directory first"
    default: nil
    }
  }
}

/// Runs `body`; what is wrong with the request is a usage error.
package func requested<Value>(_ body: () throws(RequestError) -> Value) throws(JobError) -> Value {
  do { return try body() } catch { throw JobError(error) }
}

/// Runs `body`; a system call that fails becomes "cannot `action`: …".
package func attempt<Value: ~Copyable>(
  _ action: String, _ body: () throws(SystemCallError) -> Value
) throws(JobError) -> Value {
  do { return try body() } catch { throw JobError(error, cannot: action) }
}
