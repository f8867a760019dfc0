package import BlockSource

/// What `sluice backup` was asked to do.
package struct BackupRequest: Sendable {
  /// One `--to`: a format, and where its archive goes.
  package struct Output: Sendable {
    package let format: String
    /// How options and messages name it: the label, or the format.
    package let label: String
    package let place: OutputPlace

    package init(format: String, label: String, place: OutputPlace) {
      self.format = format
      self.label = label
      self.place = place
    }
  }

  /// One `--option`: for which output, which key, what value.
  package struct Option: Sendable {
    package let label: String
    package let key: String
    package let value: String

    package init(label: String, key: String, value: String) {
      self.label = label
      self.key = key
      self.value = value
    }
  }

  /// One `--image`.
  package struct Image: Sendable {
    package let name: String
    package let path: String
    package let format: ImageFormat?

    package init(name: String, path: String, format: ImageFormat?) {
      self.name = name
      self.path = path
      self.format = format
    }
  }

  package enum TransportChoice: String, Sendable, CaseIterable {
    /// vhost-user where QEMU has it, else NBD; a spool where neither is safe for a guest.
    case auto
    case vhostUser = "vhost-user"
    case nbd
    /// QEMU copies a running machine's disks into files of this host, which are read then.
    case spool
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
  /// Whether plugins may take data from the pool; off sends it through their pipes.
  package var sharesMemory = true
  package var allowBacking: [String] = []
  /// Whether an image that is odd, but can be read, is refused.
  package var isStrict = false
  /// Whether streams get a digest, by which an archive can be verified.
  package var computesDigests = true
  /// A file that is to hold the receipt of the archive that is a stream.
  package var savedReceipt: String?
  /// Bytes a second.
  package var rateLimit: UInt64?
  /// Seconds.
  package var stallLimit = 600.0
  /// Whether root's archives may go where another user may write, too.
  package var sharesTarget = false
  package var vmName = ""
  /// The machine's number or other short name, as its hypervisor has it.
  package var vmID = ""

  package init() {}
}
