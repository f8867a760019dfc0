package import JSON
package import Machine
package import XML

/// Why a file is not a valid machine description of its kind.
package enum MachineFileError: Error, Equatable, Sendable {
  case json(JSONError)
  case xml(XMLError)
  /// JSON that is not an object.
  case notAnObject
  /// A member unknown to the format, such as `disks[0].buss`.
  case unknownMember(String)
  case machine(MachineError)
  /// XML that is not a libvirt domain; the name of its root element.
  case notADomain(String)
  /// No line of `qemu-server.conf` is in it.
  case notProxmox
  /// More bytes than a machine description may have.
  case tooLong(limit: Int)
}

extension MachineFileError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .json(.malformed(let line, let reason)): "line \(line): \(reason)"
    case .json(.tooDeep(let limit)): "nested deeper than \(limit) levels"
    case .json(.tooMany(let limit)): "more than \(limit) values"
    case .tooLong(let limit): "larger than \(limit >> 20) MiB"
    case .xml(let error): "\(error)"
    case .notAnObject: "not a JSON object"
    case .unknownMember(let path): "unknown member \(path)"
    case .machine(let error): "\(error)"
    case .notADomain(let name): "not a libvirt <domain> but <\(name)>"
    case .notProxmox: "not a qemu-server.conf: no line such as \"memory: 2048\" found"
    }
  }
}
