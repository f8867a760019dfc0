package import WriterKit

/// manifest.json as it is found: every number and name is somebody else's until checked.
package struct ArchiveManifest {
  package private(set) var streams: [StreamDescription] = []

  package init(parsing bytes: [UInt8]) throws(PluginError) {
    let value: JSONValue
    do { value = try JSONValue(parsing: bytes, depthMax: Limits.jsonDepthMax) } catch {
      throw Self.damage("not JSON")
    }
    guard value["sluice_receipt"]?.integer == Receipt.version else {
      throw Self.damage("unknown version")
    }
    guard let list = value["streams"]?.array, list.count <= Int(Limits.streamsMax) else {
      throw Self.damage("invalid list of streams")
    }
    var names: Set<String> = []
    for (index, element) in list.enumerated() {
      let stream = try Self.stream(element, id: UInt32(index + 1))
      guard names.insert(stream.name).inserted else {
        throw Self.damage("duplicate stream \"\(stream.name)\"")
      }
      streams.append(stream)
    }
    do { try Layout.check(streams) } catch { throw Self.damage(error.message) }
  }

  private static func stream(
    _ value: JSONValue, id: UInt32
  ) throws(PluginError) -> StreamDescription {
    guard let name = value["name"]?.string, StreamDescription.isAcceptable(name: name) else {
      throw damage("invalid name of stream \(id)")
    }
    guard let kind = value["kind"]?.string.flatMap(StreamDescription.Kind.init),
      let role = value["role"]?.string, StreamDescription.isAcceptable(role: role),
      let size = value["size"]?.integer.flatMap({ UInt64(exactly: $0) }),
      size <= Limits.streamBytesMax
    else { throw damage("invalid kind, role or size of \"\(name)\"") }
    let stream = StreamDescription(
      id: id, kind: kind, name: name, role: role, size: size, digest: try digest(value, of: name))
    // The name says where the bytes are; what the manifest says must be the same.
    guard value["file"]?.string == Layout.fileName(stream) else {
      throw damage("unexpected file of \"\(name)\"")
    }
    return stream
  }

  private static func digest(
    _ stream: JSONValue, of name: String
  ) throws(PluginError) -> Digest? {
    guard let value = stream["digest"] else { return nil }
    guard let algorithm = value["alg"]?.string.flatMap(DigestAlgorithm.init(name:)),
      let text = value["value"]?.string,
      let digest = Digest(algorithm: algorithm, hexadecimal: text)
    else { throw damage("invalid digest of \"\(name)\"") }
    return digest
  }

  private static func damage(_ what: String) -> PluginError {
    PluginError(.corrupt, "\(Layout.manifest) is damaged: \(what)")
  }
}
