package import BlockSource
internal import BackupProtocol
package import PluginHost
internal import Pump
internal import Sandbox
package import System

/// Why a command did not do what was asked, as a person reads it.
package struct JobError: Error, Sendable {
  package let status: CommandStatus
  /// What was being done: "backing up disk drive-scsi0".
  package let doing: String
  /// What went wrong, cause first.
  package let message: String
  /// What to do about it, where we know.
  package let hint: String?
  /// Last lines a plugin wrote, without control characters.
  package let lastLines: [String]

  package init(
    _ status: CommandStatus, doing: String, _ message: String, hint: String? = nil,
    lastLines: [String] = []
  ) {
    self.status = status
    self.doing = doing
    self.message = message
    self.hint = hint
    self.lastLines = lastLines
  }
}

extension JobError: CustomStringConvertible {
  /// The lines for standard error, without the program's name.
  package var description: String {
    var lines = [doing.isEmpty ? message : "\(doing): \(message)"]
    lines += lastLines.map { "  | \($0)" }
    if let hint { lines.append("hint: \(hint)") }
    return lines.joined(separator: "\n")
  }
}

extension JobError {
  package init(_ error: SourceError, doing: String) {
    self.init(error.status, doing: doing, error.description)
  }

  package init(_ failure: PluginFailure) {
    self.init(
      failure.status, doing: "", failure.description, hint: failure.hint,
      lastLines: failure.lastLines)
  }

  package init(_ error: PublishingError, doing: String) {
    self.init(error.status, doing: doing, error.description, hint: error.hint)
  }

  package init(_ error: SystemCallError, doing: String) {
    let status: CommandStatus =
      switch errnoName(error.code) {
      case "EACCES", "EPERM": .permission
      case "ENOENT", "ENOTDIR": .noInput
      case "ENOSPC", "EDQUOT", "EIO", "EROFS": .inputOutput
      default: .system
      }
    self.init(status, doing: doing, error.description)
  }
}

extension JobError {
  init(_ failure: LaneFailure) {
    switch failure {
    case .cancelled: self.init(.interrupted, doing: "", "stopped; nothing was published")
    case .source(let stream, let error): self.init(error, doing: "reading \(stream)")
    case .read(let stream, let offset, let code):
      self.init(
        .inputOutput, doing: "reading \(stream)", "byte \(offset): \(errnoText(code))",
        hint: "the image or the disk below it is damaged; nothing was published")
    case .sourceStalled(let stream, let seconds):
      self.init(
        .inputOutput, doing: "reading \(stream)", "QEMU has answered no read for \(Int(seconds)) s",
        hint: "if the storage is that slow, a longer --stall-limit waits longer")
    case .noWriters: self.init(.software, doing: "", "no plugin is left")
    case .archive(let stream, let what):
      self.init(.badData, doing: "", "stream \"\(stream)\" of the archive \(what)")
    case .emptyArchive:
      self.init(
        .badData, doing: "",
        "the archive is damaged: it holds nothing, neither a disk nor a configuration")
    case .unreadable(let stream, let code, let what):
      self.init(
        code.status, doing: "", "stream \"\(stream)\" of the archive \(what)",
        // What a reader writes to is its scratch file alone.
        hint: code == .noSpace ? "--scratch-dir names a directory with more room" : nil)
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
    case .launch: "sluice doctor tells what this machine lacks"
    case .stalled, .overdue: "a longer --stall-limit waits longer"
    case .reported(let frame) where frame.code == .noSpace:
      "free some room on the target's filesystem, then run the job again"
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
      "nothing was taken back; a power cut may take the name away: look at the storage, then sync"
    case .stillWritten: "nothing was published; see who has it open with fuser or lsof, then retry"
    case .sharedDirectory:
      "choose a directory that root alone may write to, or say --shared-target if that is meant"
    case .exchanged: "another user may write to its directory: choose one that is root's alone"
    case .system(let error) where errnoName(error.code) == "ENOENT":
      "the directory it lies in must exist"
    default: nil
    }
  }
}

/// Runs `body` and says what was being done when a system call fails.
func doing<Value: ~Copyable>(
  _ what: String, _ body: () throws(SystemCallError) -> Value
) throws(JobError) -> Value {
  do { return try body() } catch { throw JobError(error, doing: what) }
}
