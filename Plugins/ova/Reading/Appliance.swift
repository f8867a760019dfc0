import BackupProtocol
import OVFFormat
import WriterKit

/// What a descriptor says is in an archive.
struct Appliance {
  /// A stream and where it is.
  struct Part {
    var stream: StreamDescription
    let file: OVFDescriptor.File
    /// The disk; `nil` for a file whose bytes are the stream's.
    var disk: OVFDescriptor.Disk?
    /// What the descriptor says that the bytes are.
    var content: [UInt8]?
    /// Members that the stream is made of.
    var members: [String]
    /// Its file is not in the archive.
    var isMissing = false

    /// Whether its member is read from its start to its end.
    var goesForward: Bool { !file.isGzip && (disk.map { $0.format == .streamOptimized } ?? true) }
  }

  /// Bytes of a descriptor that are read.
  static let descriptorBytesMax: UInt64 = 4 << 20
  /// The host's receipt, in archives of ours.
  static let receipt = "receipt.json"

  let descriptor: OVFDescriptor
  var parts: [Part]

  /// Whether the archive is a backup of ours.
  var isOurs: Bool { descriptor.backup != nil }

  /// What the machine was made of; disks that were left out are not said to be there.
  var machine: MachineDescription {
    let names = Set(parts.map(\.stream.name))
    var machine = descriptor.machine
    for index in machine.disks.indices where !names.contains(machine.disks[index].stream) {
      machine.disks[index].stream = ""
    }
    return machine
  }

  /// Who the machine is, as the descriptor has it.
  var identity: Job.Machine {
    Job.Machine(
      id: descriptor.backup?.machineID ?? "", name: descriptor.name, uuid: descriptor.machine.uuid)
  }

  static func descriptor(parsing bytes: [UInt8]) throws(PluginError) -> OVFDescriptor {
    do throws(OVFError) { return try OVFDescriptor(parsing: bytes) } catch {
      switch error {
      case .version, .systems: throw PluginError(.unsupported, "\(error)")
      default: throw PluginError(.corrupt, "\(error)")
      }
    }
  }

  /// The streams of a backup of ours, in the order of its members.
  init(ours descriptor: OVFDescriptor, _ backup: OVFDescriptor.Backup) throws(PluginError) {
    self.descriptor = descriptor
    parts = []
    guard backup.streams.count <= Int(Limits.streamsMax) else {
      throw PluginError(.tooLarge, "the archive has more than \(Limits.streamsMax) streams")
    }
    var byFile: [String: OVFDescriptor.Stream] = [:]
    for stream in backup.streams where byFile.updateValue(stream, forKey: stream.fileID) != nil {
      throw PluginError(.corrupt, "the descriptor has two streams with the same file")
    }
    var disks: [String: OVFDescriptor.Disk] = [:]
    for disk in descriptor.disks { disk.fileID.map { disks[$0] = disk } }
    for file in descriptor.files {
      guard let stream = byFile[file.id] else { continue }
      parts.append(try Self.part(stream, file, disks[file.id], id: UInt32(parts.count + 1)))
    }
  }

  /// The streams of an appliance of others.
  init(_ descriptor: OVFDescriptor, _ parts: [Part]) {
    self.descriptor = descriptor
    self.parts = parts
  }

  /// Whether it can be read as it goes by.
  var goesForward: Bool { parts.allSatisfy(\.goesForward) }

  private static func part(
    _ stream: OVFDescriptor.Stream, _ file: OVFDescriptor.File, _ disk: OVFDescriptor.Disk?,
    id: UInt32
  ) throws(PluginError) -> Part {
    guard StreamDescription.isAcceptable(name: stream.name),
      let kind = StreamDescription.Kind(rawValue: stream.kind),
      StreamDescription.isAcceptable(role: stream.role), stream.size <= Limits.streamBytesMax
    else { throw PluginError(.corrupt, "invalid stream in the descriptor") }
    guard kind != .disk || disk?.capacity == stream.size else {
      throw PluginError(.corrupt, "the descriptor has no disk of the size of \"\(stream.name)\"")
    }
    return Part(
      stream: StreamDescription(
        id: id, kind: kind, name: stream.name, role: stream.role, size: stream.size),
      file: file, disk: kind == .disk ? disk : nil, content: stream.content, members: [file.name])
  }
}
