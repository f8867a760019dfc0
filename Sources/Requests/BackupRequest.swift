/// What `sluice backup` was asked to do; of `sluice convert`, its outputs and limits.
package struct BackupRequest: Sendable {
  package enum TransportChoice: String, Sendable, CaseIterable {
    /// vhost-user where QEMU has it, else NBD; a spool where neither is safe for a guest.
    case auto
    case vhostUser = "vhost-user"
    case nbd
    /// QEMU copies a running machine's disks into files of this host, which are read then.
    case spool
  }

  /// The digest computed of every stream, by which an archive can be verified.
  package enum DigestChoice: String, Sendable, CaseIterable {
    case tree = "tree-sha256-32k"
    case none
  }

  /// Whether plugins may take data from the pool; off sends it through their pipes.
  package enum SharedMemoryChoice: String, Sendable, CaseIterable {
    case auto, off
  }

  package var images: [Image] = []
  /// A running machine, in place of images.
  package var guest: GuestRequest?
  package var outputs: [Output] = []
  /// Files that travel beside the disks, under their own names.
  package var configs: [String] = []
  /// Files that describe the machine.
  package var machineFiles: [MachineFile] = []
  package var options: [Option] = []
  package var transport = TransportChoice.auto
  /// Whether the backup is one of a chain; `nil` is a full one that no increment will refer to.
  package var increment: IncrementRequest?
  package var sharedMemory = SharedMemoryChoice.auto
  package var digest = DigestChoice.tree
  /// Directories that may hold backing and data files, besides an image's own.
  package var allowBacking: [String] = []
  /// Whether an image that is odd, but can be read, is refused.
  package var isStrict = false
  /// A file that is to hold the receipt of the archive that is a stream.
  package var savedReceipt: String?
  /// Bytes a second.
  package var rateLimit: UInt64?
  /// Seconds.
  package var stallLimit = Defaults.stallLimit
  /// Whether root's archives may go where another user may write, too.
  package var sharesTarget = false
  package var vmName = ""
  /// The machine's number or other short name, as its hypervisor has it.
  package var vmID = ""

  package init() {}

  package var sharesMemory: Bool { sharedMemory == .auto }
  package var computesDigests: Bool { digest == .tree }
}
