/// What a user can do about an error, by its kind.
///
/// Modules do not know how a user asks for things: the command line words a remedy with its
/// options, and a file of jobs could with its keys.
package enum Remedy: Sendable, Equatable {
  /// A remedy that is no other request.
  case text(String)

  // The request.
  case addImage
  case addOutput
  /// Outputs of one format need labels.
  case labelOutputs(format: String)
  case nameVM
  /// A large file is not a configuration.
  case addAsDisk
  case archiveUnparsed
  case streamOutput(format: String)
  case nameOutput(format: String)
  case listOptions(format: String)
  case automaticTransport
  /// An odd image is only worth a warning.
  case strictRefuses

  // The archive.
  /// Nothing tells which of these formats a file has, if any.
  case chooseFormat([String])
  /// A disk image was taken for an archive.
  case backUpImage
  case nameReceipt
  case repairReceipt
  /// The parent of an increment was not found.
  case nameParent
  /// A format cannot hold increments.
  case incrementalFormat
  /// A chain is as long as it may be.
  case beginChain

  // The target.
  /// An existing target may be overwritten: a device at once, a file when its disk is complete.
  case overwrite(isDevice: Bool)
  case restoreDisksOnly
  case placeDisk(String)
  /// A stream cannot be read, but all others can.
  case skip(String)
  /// A disk and another stream of its archive cannot be in one directory.
  case parts(disk: String, other: String)
  case choosePath
  case omitPreallocation
  /// A script lacks what only the recorded command line has.
  case trustCommandLine
  case shareTarget
  /// Something is left in this directory.
  case clean(directory: String)

  // Time and space.
  case moreTime(Slow)
  case otherScratchDirectory
  case moreScratchSpace
  case otherFleecingDirectory
  case moreFleecingSpace
  case freeFleecingSpace
  /// The same, in the directory that the error names.
  case freeSpaceThere
  /// A spool needs more space than there is.
  case avoidSpool

  // The guest.
  case spoolInstead
  case protectGuest
  /// Disks can be backed up without RAM.
  case omitRAM
  /// QEMU may not write-protect the guest's RAM.
  case allowUserfaultfd
  /// A guest may be paused until its RAM is copied.
  case allowPause
  case recover(socket: String)
  case recoverAgain(socket: String)
  case recoverOrBackUp(socket: String)
  /// When the watchdog has given up.
  case recoverLater(socket: String)
  /// Nothing cleans up if this process is killed.
  case recoverIfKilled(socket: String)
  /// Leftovers may be of a backup that is still running elsewhere.
  case recoverIfIdle
  /// Dirty bitmaps that no backup needs take memory.
  case removeBitmaps(socket: String)

  // Images.
  case allowBacking(directory: String)
  case transportNBD

  // The host.
  case runDoctor
  case noPlugins
  case otherPlugins
  /// Of plugins of the same name or format the first one is used.
  case choosePlugin
  /// Two installed plugins have a format; a user chooses by the manifest.
  case chooseRival(manifest: String)
  /// An archive needs the plugin that made it.
  case installPlugin(String)
  /// A receipt of a later or earlier program stands in the way.
  case otherVersion(receipt: String)
  /// Jobs of a strict sandbox fail.
  case strictSandboxFails
  /// No user ID is free for plugins of root.
  case freeUserID

  /// What is slow.
  package enum Slow: Sendable {
    case plugin, storage, spool
  }
}

extension Remedy: ExpressibleByStringInterpolation {
  package init(stringLiteral text: String) { self = .text(text) }
}
