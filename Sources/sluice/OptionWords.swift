internal import Requests

// How remedies and refused requests name the options of this program; modules below do not know
// them.

extension Remedy {
  /// What to do, in options of the command line.
  var words: String {
    switch self {
    case .text(let text): text
    case .addImage: "add --image NAME=FILE"
    case .addOutput: "add --to FORMAT=PATH"
    case .labelOutputs(let format): "give them labels: --to \(format):LABEL=PATH"
    case .nameVM: "specify it with --vm-id"
    case .addAsDisk: "add large files as disks: --image NAME=FILE,format=raw"
    case .archiveUnparsed: "to archive a file without parsing it, use --config"
    case .streamOutput(let format): "write to standard output with --to \(format)=-"
    case .nameOutput(let format): "write it to a file or directory with --to \(format)=PATH"
    case .listOptions(let format): "list its options with sluice plugin info \(format)"
    case .automaticTransport: "use --transport auto"
    case .strictRefuses: "without --strict this is only a warning"
    case .chooseFormat(let formats):
      "if it is one of \(formats.joined(separator: ", ")), specify that with --format"
    case .backUpImage: "back it up with sluice backup --image"
    case .nameReceipt: "specify a receipt stored elsewhere with --receipt FILE"
    case .repairReceipt:
      "repair it or specify another with --receipt FILE: without it damage would go unnoticed"
    case .incrementalFormat:
      "use a format that can, such as --to qcow2=PATH (see sluice plugin info), or no --level"
    case .beginChain: "begin a new chain with --level full, or use --level auto"
    case .nameParent: "say where it is with --parent ARCHIVE, or --parent DIR"
    case .overwrite(isDevice: true): "use --force to overwrite it"
    case .overwrite(isDevice: false): "use --force to replace it once the disk is complete"
    case .restoreDisksOnly: "--disk is for disks only"
    case .placeDisk(let name): "add --disk \(name)=PATH, --skip \(name), or --to DIR"
    case .skip(let name): "restore everything else with sluice restore --skip \(name)"
    case .parts(let disk, let other): "restore with --disk \(disk)=PATH or --skip \(other)"
    case .choosePath: "choose a path with --disk NAME=PATH"
    case .omitPreallocation: "omit --preallocate"
    case .trustCommandLine:
      "if you trust the archive, restore it with --trust-command-line"
    case .shareTarget:
      "choose a directory that only root can write to, or allow this one with --shared-target"
    case .clean(let directory): "once that is resolved, run sluice clean \(directory)"
    case .moreTime(let slow): slow.words
    case .otherScratchDirectory: "choose another directory with --scratch-dir"
    case .moreScratchSpace: "choose a directory with more space: --scratch-dir DIR"
    case .otherFleecingDirectory: Self.otherDirectory
    case .moreFleecingSpace: Self.moreSpace
    case .freeFleecingSpace: "free some space, or \(Self.otherDirectory)"
    case .freeSpaceThere: "free some space there, or \(Self.otherDirectory)"
    case .avoidSpool:
      "\(Self.moreSpace); back up large disks in a job of their own with --disk and --exclude; "
        + "run the machine without I/O threads; or shut it down and back up its images"
    case .spoolInstead:
      "check whether the guest's storage responds; sluice backup --transport spool works "
        + "without exports"
    case .omitRAM: "omit --vmstate to back up the disks without RAM"
    case .allowUserfaultfd:
      "if QEMU does not run as root, sysctl vm.unprivileged_userfaultfd=1 may allow it; or pause "
        + "the guest with --vmstate stop"
    case .allowPause:
      "use --vmstate stop to accept the pause, or raise --guest-stall-limit"
    case .protectGuest: "set werror=stop or werror=enospc on the device (see sluice doctor --qmp)"
    case .recover(let socket): Self.recovery(socket)
    case .recoverAgain(let socket):
      "check the guest agent, then \(Self.recovery(socket)) again; "
        + "or run fsfreeze --unfreeze in the guest"
    case .recoverOrBackUp(let socket):
      "\(Self.recovery(socket)), or start a backup, which cleans up first"
    case .recoverLater(let socket): "after that, \(Self.recovery(socket))"
    case .recoverIfKilled(let socket): "if sluice is killed now, \(Self.recovery(socket))"
    case .recoverIfIdle: "if no backup is running, \(Self.recovery("SOCKET"))"
    case .removeBitmaps(let socket):
      "remove those that nobody needs: sluice recover --qmp \(socket) --bitmaps ID"
    case .allowBacking(let directory): "if you trust it, use --allow-backing \(directory)"
    case .transportNBD: "use --transport nbd"
    case .runDoctor: "run sluice doctor to check the requirements of this host"
    case .noPlugins: "no plugins are installed; run sluice doctor"
    case .otherPlugins: "install one or use --plugin-path DIR"
    case .choosePlugin:
      "remove one of the two, or name the directory of the one to use with --plugin-path"
    case .chooseRival(let manifest):
      "remove one of the two, or name the manifest of the one to use, as --plugin-path \(manifest)"
    case .installPlugin(let name):
      "install \(name), or name the directory of its manifest with --plugin-path"
    case .otherVersion(let receipt):
      "use the version that made it; to read the archive without its receipt, and so unverified, "
        + "move \(receipt) elsewhere first"
    case .strictSandboxFails: "jobs run without it; --sandbox strict fails"
    case .freeUserID: "free one of them; until then plugins run as root, and --sandbox strict fails"
    }
  }

  private static let otherDirectory = "choose another directory with --fleecing-dir"
  private static let moreSpace = "choose a directory with more free space with --fleecing-dir"

  private static func recovery(_ socket: String) -> String { "run sluice recover --qmp \(socket)" }

  /// Whether it goes on with the sentence of an error, and is no hint on a line of its own.
  var endsSentence: Bool {
    switch self {
    case .allowBacking, .freeFleecingSpace, .recoverIfIdle, .transportNBD: true
    default: false
    }
  }
}

extension Remedy.Slow {
  fileprivate var words: String {
    switch self {
    case .plugin: "increase --stall-limit to wait longer"
    case .storage: "if the storage is this slow, increase --stall-limit"
    case .spool:
      "check the storage of the machine's disks and of the spool, or raise --stall-limit"
    }
  }
}

extension RequestError {
  /// What is wrong, in options of the command line.
  var words: String {
    switch self {
    case .imagesAndGuest: "--qmp and --image cannot be used together"
    case .backingOfGuest:
      "--allow-backing is for --image only: with --qmp, QEMU already has the disks open"
    case .strictGuest: "--strict is for --image only"
    case .spoolOfImages: "--transport spool needs --qmp"
    case .guestStallLimit: "--guest-stall-limit must be greater than 0 and at most 60 seconds"
    case .freezeWithRAM:
      "--freeze require and --vmstate cannot be used together: a restored guest would stay frozen"
    case .freezeWithoutAgent: "--freeze require needs --guest-agent"
    case .stallLimit: "--stall-limit must be a number of seconds greater than 0"
    case .levelWithoutDigests: "--level cannot be used with --digest none"
    case .levelWithoutParent(let level): "--level \(level) needs --parent ARCHIVE or --parent DIR"
    case .parentOfFull: "--parent cannot be used with --level full"
    case .parentWithoutLevel: "--parent needs --level incremental, differential or auto"
    case .receiptOfNoStream: "--save-receipt requires exactly one output that is a stream"
    case .noDestination: "no destination: use --to DIR or --disk NAME=PATH"
    case .checkAndRestore:
      "--check cannot be used with --to, --disk, --start or --trust-command-line"
    case .scriptWithoutDirectory: "--start and --trust-command-line need --to DIR"
    case .diskTwice(let name): "--disk \(name) is given twice"
    case .skippedDisk(let name): "disk \"\(name)\" is in both --disk and --skip"
    default: description
    }
  }
}
