/// What a virtual machine is made of, in words that belong to no hypervisor.
///
/// A view, and not the whole: what a hypervisor knows beyond it travels in its own file beside the
/// disks. Every part may be unknown. Specified in protocol.md §4.3, `machine`.
public struct MachineDescription: Equatable, Sendable {
  /// Empty if unknown.
  public var name = ""
  /// 36 characters in lower case, or empty.
  public var uuid = ""
  /// Of the processor, as QEMU calls it (`x86_64`, `aarch64`); empty if unknown.
  public var architecture = ""
  /// The board: `q35`, `i440fx`, `virt`, …; empty if unknown.
  public var board = ""
  /// `linux`, `windows`, `bsd`, …; empty if unknown.
  public var system = ""
  public var processors: Processors?
  /// Bytes; `nil` if unknown.
  public var memory: UInt64?
  public var firmware: Firmware?
  public var controllers: [Controller] = []
  public var disks: [Disk] = []
  public var networkCards: [NetworkCard] = []

  public init() {}

  /// Processors as the guest counts them.
  public struct Processors: Equatable, Sendable {
    /// 1…8192, all together.
    public var count: Int
    /// Each 1…8192, or `nil` if unknown.
    public var sockets: Int?
    public var cores: Int?
    public var threads: Int?
    /// As QEMU calls it: `host`, `Skylake-Server`; empty if unknown.
    public var model: String

    public init(
      count: Int, sockets: Int? = nil, cores: Int? = nil, threads: Int? = nil, model: String = ""
    ) {
      self.count = count
      self.sockets = sockets
      self.cores = cores
      self.threads = threads
      self.model = model
    }
  }

  public struct Firmware: Equatable, Sendable {
    public enum Kind: String, Sendable { case bios, efi }

    public var kind: Kind
    public var isSecureBoot: Bool

    public init(_ kind: Kind, isSecureBoot: Bool = false) {
      self.kind = kind
      self.isSecureBoot = isSecureBoot
    }
  }

  /// What disks hang on, where a machine has more than one of a kind or its model matters.
  public struct Controller: Equatable, Sendable {
    public var bus: Bus
    /// Counted for each kind of bus, 0…65535.
    public var index: Int
    /// `virtio-scsi`, `lsi53c895a`, `lsisas1068`, `megasas`, `pvscsi`, `ahci`, `piix3-ide`, …;
    /// empty if unknown.
    public var model: String

    public init(bus: Bus, index: Int, model: String = "") {
      self.bus = bus
      self.index = index
      self.model = model
    }
  }

  public struct Disk: Equatable, Sendable {
    public enum Media: String, Sendable { case disk, cdrom, floppy }

    /// How the machine's own description calls it: `vda`, `scsi0`.
    public var name: String
    /// The stream of the job that holds it; empty if none does.
    public var stream: String
    public var bus: Bus
    /// The controller's index, 0…65535, if known.
    public var controller: Int?
    /// The place on the controller, 0…65535, if known. IDE: 0 and 1.
    public var slot: Int?
    public var media: Media
    /// Its turn when the machine starts, 1…65535; `nil` for none.
    public var bootOrder: Int?
    /// Empty if unknown.
    public var serial: String

    public init(
      name: String, stream: String = "", bus: Bus, controller: Int? = nil, slot: Int? = nil,
      media: Media = .disk, bootOrder: Int? = nil, serial: String = ""
    ) {
      self.name = name
      self.stream = stream
      self.bus = bus
      self.controller = controller
      self.slot = slot
      self.media = media
      self.bootOrder = bootOrder
      self.serial = serial
    }
  }

  public struct NetworkCard: Equatable, Sendable {
    /// `virtio`, `e1000`, `e1000e`, `rtl8139`, `vmxnet3`, `pcnet`, …; empty if unknown.
    public var model: String
    /// `52:54:00:12:34:56` in lower case, or empty.
    public var mac: String
    /// What it is connected to: a bridge, a network; empty if unknown.
    public var network: String

    public init(model: String = "", mac: String = "", network: String = "") {
      self.model = model
      self.mac = mac
      self.network = network
    }
  }

  /// How disks talk to the machine. An open list: one that is not known is taken as it is.
  public struct Bus: RawRepresentable, Hashable, Sendable {
    /// `[a-z0-9-]{1,32}`
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public static let ide = Bus(rawValue: "ide")
    public static let sata = Bus(rawValue: "sata")
    public static let scsi = Bus(rawValue: "scsi")
    /// virtio-blk: every disk is a device of its own.
    public static let virtio = Bus(rawValue: "virtio")
    public static let nvme = Bus(rawValue: "nvme")
    public static let usb = Bus(rawValue: "usb")
    public static let floppy = Bus(rawValue: "floppy")
    /// The firmware's variables, in flash memory.
    public static let flash = Bus(rawValue: "flash")
    /// The state of a TPM.
    public static let tpm = Bus(rawValue: "tpm")

    public static let known: [Bus] = [
      .ide, .sata, .scsi, .virtio, .nvme, .usb, .floppy, .flash, .tpm,
    ]
  }
}

extension MachineDescription.Disk {
  /// The state of firmware or TPM: stored as a disk, but none that a guest finds on a bus.
  public var isState: Bool { bus == .flash || bus == .tpm }
}
