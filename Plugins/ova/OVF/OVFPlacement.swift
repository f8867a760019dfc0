internal import Machine

/// Finds a place for disks on controllers that every hypervisor has: IDE, SATA and SCSI.
///
/// What has no place of its own in an appliance (virtio, NVMe, USB) takes a portable one; the
/// machine's own files say how it was.
struct OVFPlacement {
  struct Controller: Equatable {
    var kind: OVFItem.Kind
    var subType: String?
    /// Of the machine's controller that it stands for.
    var bus: MachineDescription.Bus
    var index: Int
    /// Among those of its kind.
    var address: Int
    var taken: Set<Int> = []

    var slots: [Int] {
      switch kind {
      case .ide: [0, 1]
      case .sata: Array(0..<30)
      // 7 is the controller's own.
      default: Array(0..<7) + Array(8..<16)
      }
    }
  }

  struct Place: Equatable {
    /// Position in ``controllers``.
    var controller: Int
    var slot: Int
  }

  private let models: [MachineDescription.Controller]
  private(set) var controllers: [Controller] = []

  init(_ machine: MachineDescription) { models = machine.controllers }

  /// Takes a place for a disk, its own if that exists and is free.
  mutating func place(_ disk: MachineDescription.Disk) -> Place {
    var (kind, bus) = Self.kind(of: disk)
    if kind == .ide && isIDEFull { (kind, bus) = (.sata, .sata) }
    var index = disk.controller ?? 0
    if kind == .ide { index = min(index, 1) }
    var slot = disk.slot
    while true {
      let position = controller(kind, bus, index)
      if let free = free(position, wanted: slot) {
        controllers[position].taken.insert(free)
        return Place(controller: position, slot: free)
      }
      // With more than one IDE channel full, the other has room.
      index = kind == .ide ? 1 - index : index + 1
      slot = nil
    }
  }

  private var isIDEFull: Bool {
    controllers.filter { $0.kind == .ide }.reduce(0) { $0 + $1.taken.count } >= 4
  }

  private static func kind(
    of disk: MachineDescription.Disk
  ) -> (OVFItem.Kind, MachineDescription.Bus) {
    switch disk.bus {
    case .ide: (.ide, .ide)
    case .sata: (.sata, .sata)
    case .scsi, .virtio: (.scsi, disk.bus)
    case .nvme, .usb: (.sata, disk.bus)
    default: disk.media == .disk ? (.scsi, .scsi) : (.sata, .sata)
    }
  }

  private func free(_ position: Int, wanted: Int?) -> Int? {
    let controller = controllers[position]
    if let wanted, controller.slots.contains(wanted), !controller.taken.contains(wanted) {
      return wanted
    }
    return controller.slots.first { !controller.taken.contains($0) }
  }

  /// The controller that stands for one of the machine; made when it is first needed.
  private mutating func controller(
    _ kind: OVFItem.Kind, _ bus: MachineDescription.Bus, _ index: Int
  ) -> Int {
    if let known = controllers.firstIndex(where: { $0.bus == bus && $0.index == index }) {
      return known
    }
    let model = models.first { $0.bus == bus && $0.index == index }?.model ?? ""
    controllers.append(
      Controller(
        kind: kind, subType: Self.subType(kind, model), bus: bus, index: index,
        address: kind == .ide ? index : controllers.count { $0.kind == kind }))
    return controllers.count - 1
  }

  private static func subType(_ kind: OVFItem.Kind, _ model: String) -> String? {
    switch kind {
    case .ide: nil
    case .sata: "AHCI"
    default:
      switch model {
      case "pvscsi": "VirtualSCSI"
      case "lsisas1068", "megasas": "lsilogicsas"
      case "buslogic": "buslogic"
      default: "lsilogic"
      }
    }
  }
}
