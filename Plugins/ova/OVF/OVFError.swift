package import XML

/// A descriptor that is none, or that says what no appliance of ours may.
package enum OVFError: Error, Equatable, Sendable {
  case xml(XMLError)
  /// The root is no `Envelope` of OVF 1.x; its name.
  case notAnEnvelope(String)
  /// OVF 2.x.
  case version(String)
  /// None or several `VirtualSystem`; their ids.
  case systems([String])
  /// An element lacks an attribute or a child, or has one that does not parse.
  case member(element: String, name: String)
  /// Two files or disks with one id or name.
  case duplicate(element: String, id: String)
  /// A disk or stream names a file that there is not.
  case fileMissing(id: String)
  /// A file that is a path or lies elsewhere.
  case href(String)
  /// An embedded configuration that is not what its digest says, or no base64.
  case embedded(String)
  case tooMany(String)
  /// A manifest with something that is no line of one.
  case manifest(String)
}

extension OVFError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .xml(let error): "the descriptor is malformed XML: \(error)"
    case .notAnEnvelope(let name): "the descriptor is not an OVF envelope but <\(name)>"
    case .version(let namespace):
      "unsupported version of OVF (\(namespace)); export the appliance as OVF 1.x"
    case .systems([]): "the descriptor has no machine"
    case .systems(let ids):
      "the descriptor has \(ids.count) machines (\(Self.list(ids))), and only one is supported; "
        + "export them one by one"
    case .member(let element, let name): "<\(element)> has no valid \(name)"
    case .duplicate(let element, let id): "duplicate <\(element)> \"\(id)\""
    case .fileMissing(let id): "the descriptor has no file \"\(id)\""
    case .href(let name): "\"\(name)\" is not a valid file name in an appliance"
    case .embedded(let name): "the embedded \"\(name)\" is damaged: digest mismatch"
    case .tooMany(let what): "the descriptor has too many \(what)"
    case .manifest(let what): "the manifest (.mf) has \(what)"
    }
  }

  /// The first of them.
  private static func list(_ names: [String]) -> String {
    let most = 8
    let shown = names.prefix(most).map { "\"\($0)\"" }.joined(separator: ", ")
    return names.count > most ? shown + ", …" : shown
  }
}
