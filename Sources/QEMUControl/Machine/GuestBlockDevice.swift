/// A drive of a running machine, with its medium if there is one.
package struct GuestBlockDevice: Equatable, Sendable {
  package enum Kind: String, Sendable { case disk, cdrom, floppy, flash }

  /// Why a drive is left out unless it is asked for.
  package enum Exclusion: String, Sendable {
    case empty, cdrom
    case readOnly = "read-only"
    /// A drive of QEMU that no device of the guest uses.
    case notAttached = "not attached"
    /// The guest talks to the host's device past QEMU's block layer (scsi-block, scsi-generic):
    /// nothing can be copied before it is written.
    case passthrough
  }

  /// What it is called in an archive: unique, without `/`, at most 64 characters.
  package let name: String
  /// What QEMU calls its device: an id, or a path of an object; `nil` if there is none.
  package let qdev: String?
  /// The type of the device, such as `virtio-blk-device` or `scsi-hd`; empty if there is none.
  package let deviceType: String
  /// The topmost node of its medium; changes while jobs run and when snapshots are made.
  package let nodeName: String?
  /// The guest's view in bytes; 0 if empty.
  package let size: Int64
  /// The driver of the topmost node: `raw`, `qcow2`, a filter, …; empty if there is no medium.
  package let format: String
  /// The file of the medium, absolute where QEMU's directory is known; `nil` for what is no file.
  package let imageFile: String?
  /// What the medium stands on, the topmost level first; empty if unknown.
  package let chain: [ImageLevel]
  package let isReadOnly: Bool
  package let isRemovable: Bool
  package let isEmpty: Bool
  package let kind: Kind
  /// The I/O thread that serves it; `nil` is QEMU's main loop.
  package let iothread: String?
  /// What QEMU does when a write of the guest fails: `report`, `ignore`, `enospc` or `stop`;
  /// empty for devices that cannot be told (NVMe, flash).
  package let writeErrorPolicy: String
  package let exclusion: Exclusion?

  /// Whether it is backed up where nothing else is asked for.
  package var isBackedUpByDefault: Bool { exclusion == nil }

  package init(
    name: String, qdev: String?, deviceType: String, nodeName: String?, size: Int64,
    format: String, imageFile: String?, chain: [ImageLevel] = [], isReadOnly: Bool,
    isRemovable: Bool, isEmpty: Bool,
    kind: Kind, iothread: String?, writeErrorPolicy: String, exclusion: Exclusion?
  ) {
    self.name = name
    self.qdev = qdev
    self.deviceType = deviceType
    self.nodeName = nodeName
    self.size = size
    self.format = format
    self.imageFile = imageFile
    self.chain = chain
    self.isReadOnly = isReadOnly
    self.isRemovable = isRemovable
    self.isEmpty = isEmpty
    self.kind = kind
    self.iothread = iothread
    self.writeErrorPolicy = writeErrorPolicy
    self.exclusion = exclusion
  }
}
