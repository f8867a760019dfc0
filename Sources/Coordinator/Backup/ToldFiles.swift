package import BackupProtocol
internal import BlockSource
internal import JSON
package import JobSupport
package import Machine
internal import MachineFiles
internal import QEMUControl
package import Requests
internal import System

extension MachineFile.Kind {
  /// The option that gives it; none gives facts.
  fileprivate var option: String {
    switch self {
    case .machine: "--machine"
    case .libvirtXML: "--libvirt-xml"
    case .proxmox: "--proxmox-config"
    case .facts: ""
    }
  }
}

extension MachineFile {
  /// The file as a stream of the job.
  func config(stop: StopSignal) throws(JobError) -> ConfigFile {
    // Proxmox gives a machine's file the machine's number; in an archive it has one name.
    try ConfigFile(
      path: path, name: kind == .proxmox ? "qemu-server.conf" : nil, role: kind.rawValue,
      stop: stop)
  }

  /// Bytes of a file that is read, and not only kept: parsed text takes many times its length.
  static let byteCountMax = 1 << 20

  /// Learns the machine from a file's bytes.
  static func told(_ kind: Kind, _ bytes: [UInt8]) throws(MachineFileError) -> ToldMachine {
    guard bytes.count <= byteCountMax else { throw .tooLong(limit: byteCountMax) }
    switch kind {
    case .machine: return try ToldMachine(json: bytes)
    case .libvirtXML: return try ToldMachine(libvirtXML: bytes)
    case .proxmox: return try ToldMachine(proxmoxConfiguration: bytes)
    case .facts:
      do { return ToldMachine(facts: try JSONValue(parsingLeniently: bytes)) } catch {
        throw .json(error)
      }
    }
  }
}

/// What files say of a job's machine.
package struct ToldFiles {
  /// The files, to travel.
  package var configs: [ConfigFile] = []
  /// The machine, if a file describes it.
  package var told: ToldMachine?
  /// Its number in Proxmox, which is the name of its file there.
  var id = ""

  /// Reads the files that the user names; blocks, where one is a pipe.
  ///
  /// - Throws: `JobError`; a file that is not as its kind must be is `.badData`.
  init(_ files: [MachineFile], stop: StopSignal) throws(JobError) {
    for kind in MachineFile.Kind.allCases {
      for file in files where file.kind == kind {
        let config = try file.config(stop: stop)
        configs.append(config)
        do {
          let machine = try MachineFile.told(kind, config.bytes)
          if told == nil { told = machine }
        } catch {
          throw JobError(
            .badData, cannot: "parse \(kind.option) \(file.path)", "\(error)",
            hint: .archiveUnparsed)
        }
        if kind == .proxmox { id = Self.number(file.path) }
      }
    }
  }

  /// What configurations of an archive say; one that cannot be read says nothing.
  package init(archived configs: [ConfigFile], _ events: EventSink) {
    for kind in MachineFile.Kind.allCases where told == nil {
      guard let config = configs.first(where: { $0.role == kind.rawValue }) else { continue }
      do throws(MachineFileError) { told = try MachineFile.told(kind, config.bytes) } catch {
        events(
          .warning("cannot parse the VM description \"\(config.name)\", ignoring it: \(error)"))
      }
    }
  }

  /// 101 of `/etc/pve/qemu-server/101.conf`
  private static func number(_ path: String) -> String {
    let name = splitPath(path).name
    let digits = name.prefix { $0.isASCII && $0.isNumber }
    return name == "\(digits).conf" && (1...9).contains(digits.count) ? String(digits) : ""
  }

  /// The machine as receipts name it, where the user says nothing else.
  package func identity(_ request: BackupRequest) -> Job.Machine {
    Job.Machine(
      id: request.vmID.isEmpty ? id : request.vmID,
      name: request.vmName.isEmpty ? told?.description.name ?? "" : request.vmName,
      uuid: told?.description.uuid ?? "")
  }
}
