internal import System

/// Why a request is refused before anything is looked at: what was written is wrong in itself.
package enum RequestError: Error, Equatable, Sendable {
  /// Not of the form that such a word has.
  case malformed(String)

  case imagesAndGuest
  /// Directories of backing files are for images.
  case backingOfGuest
  /// Refusing odd images is for disk images only.
  case strictGuest
  case spoolOfImages
  case guestStallLimit
  case freezeWithoutAgent
  /// A guest restored from frozen RAM would stay frozen.
  case freezeWithRAM
  case stallLimit

  /// Increments are bound to their parents by digests.
  case levelWithoutDigests
  case levelWithoutParent(String)
  case parentOfFull
  case parentWithoutLevel

  case noOutput
  case severalOnStandardOutput
  case duplicateOutput(label: String, format: String)
  case duplicatePath(String)
  /// A receipt is to be saved, but not exactly one output is a stream.
  case receiptOfNoStream
  case optionOfNoOutput(label: String, key: String)

  case unmatchedBrace(pattern: String, Character)
  case unknownPlaceholder(pattern: String, String)
  case unknownVMID
  case unusableVMID(String)

  case noDestination
  case diskTwice(String)
  /// A disk that has a place of its own is also left out.
  case skippedDisk(String)
  case foreignSuffix(path: String, suffix: String)
  /// A machine is only compared, and restored too.
  case checkAndRestore
  /// A script that starts a machine lies in the directory that was restored.
  case scriptWithoutDirectory
  /// What is to be read of a disk is not all there.
  case beyondDisk(String, size: UInt64)
}

extension RequestError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .malformed(let text): "\"\(cleaned(text))\" is malformed"
    case .imagesAndGuest: "a running VM and images cannot be backed up together"
    case .backingOfGuest:
      "directories of backing files are for images: QEMU already has the VM's disks open"
    case .strictGuest: "refusing odd images is for images only"
    case .spoolOfImages: "a spool is for running VMs only"
    case .guestStallLimit: "a guest may be frozen for more than 0 and at most 60 seconds"
    case .freezeWithRAM:
      "a guest whose RAM is backed up is not frozen: it would stay frozen when it is restored"
    case .freezeWithoutAgent: "freezing the guest requires its agent"
    case .stallLimit: "the stall limit must be a number of seconds greater than 0"
    case .levelWithoutDigests: "increments need digests"
    case .levelWithoutParent(let level): "a backup of level \(level) needs a parent"
    case .parentOfFull: "a full backup has no parent"
    case .parentWithoutLevel: "a parent is for backups of a level"
    case .noOutput: "no output specified"
    case .severalOnStandardOutput: "only one archive can go to standard output"
    case .duplicateOutput(let label, _): "duplicate output name \"\(label)\""
    case .duplicatePath(let path): "two outputs would be written to \(cleaned(path))"
    case .receiptOfNoStream: "saving a receipt requires exactly one output that is a stream"
    case .optionOfNoOutput(let label, let key): "no output for option \(label).\(key)"
    case .unmatchedBrace(let pattern, let brace):
      "\"\(cleaned(pattern))\" has an unmatched \(brace)"
    case .unknownPlaceholder(let pattern, let word):
      "\"\(cleaned(pattern))\" has an unknown placeholder {\(word)}"
    case .unknownVMID: "{vmid} is used but the VM ID is unknown"
    case .unusableVMID(let id): "VM ID \"\(id)\" cannot be part of a file name"
    case .noDestination: "no destination"
    case .diskTwice(let name): "disk \"\(name)\" has two destinations"
    case .skippedDisk(let name): "disk \"\(name)\" has a destination and is skipped"
    case .foreignSuffix(let path, let suffix):
      "\(path) would be written as raw despite its suffix .\(suffix)"
    case .checkAndRestore: "a check restores and starts nothing"
    case .scriptWithoutDirectory: "starting a machine requires a directory to restore it to"
    case .beyondDisk(let disk, let size):
      "the range is not inside disk \"\(cleaned(disk))\", which has \(size) bytes"
    }
  }

  /// What to do about it, if known.
  package var remedy: Remedy? {
    switch self {
    case .noOutput: .addOutput
    case .duplicateOutput(_, let format): .labelOutputs(format: format)
    case .receiptOfNoStream: "other archives have their receipt beside or inside them"
    case .optionOfNoOutput: "use FORMAT.KEY=VALUE, or LABEL.KEY=VALUE for a labelled output"
    case .unmatchedBrace, .unknownPlaceholder:
      "placeholders are {vmid} and {time}; write a literal brace twice"
    case .unknownVMID, .unusableVMID: .nameVM
    case .foreignSuffix:
      "add format=raw or format=qcow2, or convert it afterwards with qemu-img convert"
    default: nil
    }
  }
}
