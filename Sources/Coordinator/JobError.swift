package import BlockSource
internal import BackupProtocol
package import PluginHost
internal import Pump
internal import Sandbox
package import System

/// Why a command failed, for people: "cannot open disk.raw: permission denied".
package struct JobError: Error, Sendable {
  package let status: CommandStatus
  /// What failed: "open disk.raw", or "backing up disk drive-scsi0"; may be empty.
  package let doing: String
  /// The cause, without what failed.
  package let message: String
  /// What to do about it, if known.
  package let hint: String?
  /// Last lines a plugin wrote, without control characters.
  package let lastLines: [String]
  /// How the sentence begins.
  private let lead: String

  private init(
    _ status: CommandStatus, _ doing: String, lead: String, _ message: String, _ hint: String?,
    _ lastLines: [String]
  ) {
    self.status = status
    self.doing = doing
    self.lead = lead
    self.message = message
    self.hint = hint
    self.lastLines = lastLines
  }

  /// "`doing`: `message`", or the message alone.
  package init(
    _ status: CommandStatus, doing: String, _ message: String, hint: String? = nil,
    lastLines: [String] = []
  ) {
    self.init(status, doing, lead: doing, message, hint, lastLines)
  }

  /// "cannot `action`: `message`".
  package init(
    _ status: CommandStatus, cannot action: String, _ message: String, hint: String? = nil
  ) {
    self.init(status, action, lead: "cannot \(action)", message, hint, [])
  }
}

extension JobError: CustomStringConvertible {
  /// What failed and why, as one sentence.
  package var sentence: String { lead.isEmpty ? message : "\(lead): \(message)" }

  /// The lines for standard error, without the program's name.
  package var description: String {
    var lines = [sentence]
    lines += lastLines.map { "  | \($0)" }
    if let hint { lines.append("hint: \(hint)") }
    return lines.joined(separator: "\n")
  }
}

extension JobError {
  package init(_ error: SourceError, doing: String) {
    self.init(error.status, doing: doing, error.description)
  }

  package init(_ error: SourceError, cannot action: String) {
    var words = error.description
    if case .system(let error) = error { words = error.cause(within: action) }
    self.init(error.status, cannot: action, words)
  }

  package init(_ failure: PluginFailure) {
    self.init(
      failure.status, doing: "", failure.description, hint: failure.hint,
      lastLines: failure.lastLines)
  }

  package init(_ error: PublishingError, cannot action: String) {
    let words =
      switch error {
      case .system(let error): error.cause(within: action)
      case .exists(let path) where action.contains(path): "already exists"
      default: error.description
      }
    self.init(error.status, cannot: action, words, hint: error.hint)
  }

  package init(_ error: SystemCallError, doing: String) {
    self.init(error.status, doing: doing, error.cause(within: doing))
  }

  package init(_ error: SystemCallError, cannot action: String) {
    self.init(error.status, cannot: action, error.cause(within: action))
  }
}

extension SystemCallError {
  var status: CommandStatus {
    switch errnoName(code) {
    case "EACCES", "EPERM": .permission
    case "ENOENT", "ENOTDIR": .noInput
    case "ENOSPC", "EDQUOT", "EIO", "EROFS": .inputOutput
    default: .system
    }
  }

  /// The error, without its verb and subject if the beginning of the sentence names the subject.
  func cause(within beginning: String) -> String {
    !subject.isEmpty && beginning.contains(subject) ? errnoText(code) : description
  }
}

extension JobError {
  init(_ failure: LaneFailure) {
    switch failure {
    case .cancelled: self.init(.interrupted, doing: "", "interrupted; nothing was published")
    case .source(let stream, let error): self.init(error, cannot: "read \(stream)")
    case .read(let stream, let offset, let code):
      self.init(
        .inputOutput, cannot: "read \(stream) at byte \(offset)", errnoText(code),
        hint: "the image or the storage below it is damaged; nothing was published")
    case .sourceStalled(let stream, let seconds):
      self.init(
        .inputOutput, cannot: "read \(stream)", "QEMU answered no read for \(Int(seconds)) s",
        hint: "if the storage is this slow, increase --stall-limit")
    case .noWriters: self.init(.software, doing: "", "every plugin has failed")
    case .archive(let stream, let what):
      self.init(.badData, doing: "", "\"\(stream)\" in the archive \(what)")
    case .emptyArchive:
      self.init(
        .badData, doing: "",
        "the archive is damaged: it contains neither disks nor configurations")
    case .unreadable(let stream, let code, let what):
      self.init(
        code.status, doing: "", "\"\(stream)\" in the archive \(what)",
        // A reader writes to its scratch file only.
        hint: code == .noSpace ? "choose a directory with more space: --scratch-dir DIR" : nil)
    case .request(let what, let hint): self.init(.usage, doing: "", what, hint: hint)
    case .target(let what): self.init(.inputOutput, doing: "", what)
    case .system(let what): self.init(.system, doing: "", what)
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
    case .protocolBroken: .protocol
    case .toolFailed, .daemonGone, .exportGone, .notInTime, .refused: .inputOutput
    case .system: .system
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

  var hint: String? {
    switch cause {
    case .launch: "run sluice doctor to check the requirements of this host"
    case .stalled, .overdue: "increase --stall-limit to wait longer"
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
    case .corrupt, .tooLarge, .notFound: .badData
    case .io, .noSpace: .inputOutput
    case .permission, .authentication: .permission
    case .exists: .cannotCreate
    case .temporary: .partial
    case .protocol, .unknownFrame, .version, .limit, .state: .protocol
    case .unsupported: .unavailable
    default: .software
    }
  }
}

extension PublishingError {
  var status: CommandStatus {
    switch self {
    case .badName: .usage
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

  var hint: String? {
    switch self {
    case .exists: "choose another name, or remove it first"
    case .notSynced:
      "the archive was kept, but a power failure may remove its name: check the storage, then "
        + "run sync"
    case .stillWritten: "nothing was published; find the process with fuser or lsof, then retry"
    case .sharedDirectory:
      "choose a directory that only root can write to, or allow this one with --shared-target"
    case .exchanged: "another user can write to its directory: choose one only root can write to"
    case .system(let error) where errnoName(error.code) == "ENOENT":
      "create its directory first"
    default: nil
    }
  }
}

/// Runs `body`; a system call that fails becomes "cannot `action`: …".
func attempt<Value: ~Copyable>(
  _ action: String, _ body: () throws(SystemCallError) -> Value
) throws(JobError) -> Value {
  do { return try body() } catch { throw JobError(error, cannot: action) }
}

/// Runs `body`; a system call that fails becomes "`what`: …".
func doing<Value: ~Copyable>(
  _ what: String, _ body: () throws(SystemCallError) -> Value
) throws(JobError) -> Value {
  do { return try body() } catch { throw JobError(error, doing: what) }
}
