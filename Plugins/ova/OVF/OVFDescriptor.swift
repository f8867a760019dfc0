package import Machine

/// What the descriptor of an appliance (OVF 1.x, DMTF DSP0243) says.
///
/// Made for writing from what a job has, or by ``init(parsing:)`` from a descriptor of ours or of
/// others.
package struct OVFDescriptor: Equatable, Sendable {
  /// Of the machine; shown to people.
  package var name: String
  /// The machine. Its disks name ``Disk/name`` as their `stream`.
  package var machine: MachineDescription
  /// `References`, in the order of the members after the descriptor.
  package var files: [File]
  /// `DiskSection`, in the order in which they are imported.
  package var disks: [Disk]
  /// What only we write and read; `nil` in descriptors of others.
  package var backup: Backup?

  package init(
    name: String, machine: MachineDescription = MachineDescription(), files: [File] = [],
    disks: [Disk] = [], backup: Backup? = nil
  ) {
    self.name = name
    self.machine = machine
    self.files = files
    self.disks = disks
    self.backup = backup
  }

  /// A member of the archive.
  package struct File: Equatable, Sendable {
    /// Unique in the descriptor.
    package var id: String
    /// The member's name; no path.
    package var name: String
    /// Bytes of the member; `nil` where they are not known before the data.
    package var size: UInt64?
    /// The member is a gzip stream.
    package var isGzip: Bool
    /// The member is cut into pieces of so many bytes, `NAME.000000000`, `NAME.000000001`, …
    package var chunkBytes: UInt64?

    package init(
      id: String, name: String, size: UInt64? = nil, isGzip: Bool = false,
      chunkBytes: UInt64? = nil
    ) {
      self.id = id
      self.name = name
      self.size = size
      self.isGzip = isGzip
      self.chunkBytes = chunkBytes
    }
  }

  /// A disk and the file it is in.
  package struct Disk: Equatable, Sendable {
    /// Unique in the descriptor.
    package var id: String
    /// Of the stream, unique too; in descriptors of others made from `id`.
    package var name: String
    /// Of its ``File``; `nil` is an empty disk.
    package var fileID: String?
    /// Bytes as the guest sees them; `nil` where the descriptor does not tell a number.
    package var capacity: UInt64?
    package var format: DiskFormat
    /// Bytes that hold data, about.
    package var populatedBytes: UInt64?
    /// Of the disk it is a difference to: nothing that we write.
    package var parentID: String?
    /// A device of the machine; the state of firmware and TPM is none.
    package var isAttached: Bool

    package init(
      id: String, name: String, fileID: String?, capacity: UInt64?, format: DiskFormat,
      populatedBytes: UInt64? = nil, parentID: String? = nil, isAttached: Bool = true
    ) {
      self.id = id
      self.name = name
      self.fileID = fileID
      self.capacity = capacity
      self.format = format
      self.populatedBytes = populatedBytes
      self.parentID = parentID
      self.isAttached = isAttached
    }
  }

  /// The URI of a format.
  package struct DiskFormat: RawRepresentable, Equatable, Sendable {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }

    package static let streamOptimized = DiskFormat(
      rawValue: "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized")
    package static let qcow2 = DiskFormat(
      rawValue: "http://www.gnome.org/~markmc/qcow-image-format.html")

    package enum Kind: Sendable { case vmdk, qcow2, raw, vhd, unknown }

    /// What the URI means; `.unknown` says nothing about the file.
    package var kind: Kind {
      let uri = rawValue.lowercased()
      // Without "interfaces" the URI is oVirt's, which means raw by it, and says so nowhere.
      if uri.contains("interfaces/specifications/vmdk.html") { return .vmdk }
      if uri.contains("qcow") { return .qcow2 }
      if uri.contains("vhd") { return .vhd }
      return uri == "http://en.wikipedia.org/wiki/byte" ? .raw : .unknown
    }
  }

  /// What the appliance is a backup of, in a section of our own.
  package struct Backup: Equatable, Sendable {
    /// The machine's id, as JOB's `vm`.
    package var machineID: String
    /// RFC 3339 in UTC; empty if unknown.
    package var instant: String
    /// Every stream of the job, in its order.
    package var streams: [Stream]

    package init(machineID: String = "", instant: String = "", streams: [Stream] = []) {
      self.machineID = machineID
      self.instant = instant
      self.streams = streams
    }
  }

  /// A stream of the job, and what its file is called.
  package struct Stream: Equatable, Sendable {
    package var name: String
    /// `disk`, `config` or `vmstate`.
    package var kind: String
    package var role: String
    /// Bytes.
    package var size: UInt64
    /// Of its ``File``.
    package var fileID: String
    /// A configuration; embedded if it is small (``embeddedBytesMax``). Its digest always is.
    package var content: [UInt8]?

    /// Bytes of one configuration that is embedded.
    package static let embeddedBytesMax = 64 << 10
    /// Bytes of all of them.
    package static let embeddedBytesMaxOfAll = 1 << 20

    package init(
      name: String, kind: String, role: String, size: UInt64, fileID: String,
      content: [UInt8]? = nil
    ) {
      self.name = name
      self.kind = kind
      self.role = role
      self.size = size
      self.fileID = fileID
      self.content = content
    }
  }
}
