package import JSON
package import Machine
package import XML

/// A file that does not describe a machine as its kind of file does.
package enum MachineFileError: Error, Equatable, Sendable {
  case json(JSONError)
  case xml(XMLError)
  /// JSON that is no object.
  case notAnObject
  /// A member that the form does not have, such as `disks[0].buss`.
  case unknownMember(String)
  case machine(MachineError)
  /// XML of something else than a domain of libvirt; the root's name.
  case notADomain(String)
  /// No line of `qemu-server.conf` is in it.
  case notProxmox
  /// More bytes than a file that is read for a machine may have.
  case tooLong(limit: Int)
}

extension MachineFileError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .json(.malformed(let line, let reason)): "line \(line): \(reason)"
    case .json(.tooDeep(let limit)): "it is nested deeper than \(limit)"
    case .json(.tooMany(let limit)): "it has more than \(limit) values"
    case .tooLong(let limit): "it is longer than \(limit >> 20) MiB"
    case .xml(let error): "\(error)"
    case .notAnObject: "it is no JSON object"
    case .unknownMember(let path): "it has a member \(path), which means nothing"
    case .machine(let error): "\(error)"
    case .notADomain(let name): "it is no <domain> of libvirt but <\(name)>"
    case .notProxmox: "it has no line of a qemu-server.conf, such as \"memory: 2048\""
    }
  }
}
