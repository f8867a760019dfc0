/// How a command ends; the numbers of sysexits.h, listed in docs/reference.md.
package enum CommandStatus: Int32, Sendable, CaseIterable {
  case success = 0
  /// `verify` found nothing wrong, and nothing that proves the data.
  case unverified = 1
  /// The command line is wrong: a flag, an option of a plugin, a name.
  case usage = 64
  /// An image, archive or receipt does not hold what it should.
  case badData = 65
  /// An input file is missing or cannot be read.
  case noInput = 66
  /// A program, plugin or kernel feature that is needed is not there, or a format or plugin cannot
  /// do what is asked of it, or not as much.
  case unavailable = 69
  /// A plugin misbehaved, or Sluice itself did.
  case software = 70
  /// The system refused memory, threads or descriptors.
  case system = 71
  /// The machine or its monitor is taken for now. EX_TEMPFAIL would be the word, but that is
  /// `partial`; a file of the system that cannot be opened (EX_OSFILE) comes nearest.
  case busy = 72
  /// The output exists already or cannot be made.
  case cannotCreate = 73
  /// Reading or writing failed on the way; a full disk.
  case inputOutput = 74
  /// Some outputs were published, others failed; or all were, and something of the backup is left
  /// in QEMU, or the guest may still be frozen. See the messages, then try again.
  case partial = 75
  /// A plugin or QEMU broke its protocol.
  case `protocol` = 76
  case permission = 77
  /// Stopped by the user (SIGINT, SIGTERM).
  case interrupted = 130

  /// What the number means, for docs/reference.md and `--help`.
  package var meaning: String {
    switch self {
    case .success: "done"
    case .unverified: "`verify`: nothing wrong found, but the data is not verified (no digests)"
    case .usage: "invalid command line"
    case .badData: "an image, archive or receipt is damaged or malformed"
    case .noInput: "an input is missing or cannot be read"
    case .unavailable:
      "a required program, plugin or kernel feature is not available, or a format or plugin does "
        + "not support what is asked"
    case .software: "a plugin failed"
    case .system: "out of memory, threads or file descriptors"
    case .busy:
      "busy: another backup of this machine is running, another program uses its QMP socket, or "
        + "another job one of its disks"
    case .cannotCreate: "the output already exists or cannot be created"
    case .inputOutput: "input/output error, including a full disk and standard output"
    case .partial: "some outputs were published, others failed; or the guest may still be frozen"
    case .protocol: "a plugin or QEMU violated its protocol"
    case .permission: "permission denied"
    case .interrupted: "interrupted by the user"
    }
  }
}
