import BackupProtocol
package import WriterKit

/// manifest.json as it is found: every number and name is somebody else's until checked.
package struct ArchiveManifest {
  package private(set) var streams: [StreamDescription] = []
  /// Bytes that each stream of the parent has, of those that are incremental.
  package private(set) var parentBytes: [String: UInt64] = [:]
  private let layout: Layout

  package init(parsing bytes: [UInt8], of layout: Layout = .raw) throws(PluginError) {
    self.layout = layout
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
      let stream = try stream(element, id: UInt32(index + 1))
      if stream.isIncremental {
        parentBytes[stream.name] = try Self.parentBytes(of: stream.name, value)
      }
      guard names.insert(stream.name).inserted else {
        throw Self.damage("duplicate stream \"\(stream.name)\"")
      }
      streams.append(stream)
    }
    do { try layout.check(streams) } catch { throw Self.damage(error.message) }
  }

  private func stream(
    _ value: JSONValue, id: UInt32
  ) throws(PluginError) -> StreamDescription {
    guard let name = value["name"]?.string, StreamDescription.isAcceptable(name: name) else {
      throw Self.damage("invalid name of stream \(id)")
    }
    guard let kind = value["kind"]?.string.flatMap(StreamDescription.Kind.init),
      let role = value["role"]?.string, StreamDescription.isAcceptable(role: role),
      let size = value["size"]?.integer.flatMap({ UInt64(exactly: $0) }),
      size <= Limits.streamBytesMax
    else { throw Self.damage("invalid kind, role or size of \"\(name)\"") }
    let isIncremental = value["incremental"]?.bool ?? false
    guard !isIncremental || layout.holdsIncrements && kind == .disk else {
      throw Self.damage("\"\(name)\" cannot be incremental")
    }
    let stream = StreamDescription(
      id: id, kind: kind, name: name, role: role, size: size, isIncremental: isIncremental,
      digest: try Self.digest(value, of: name))
    // The name says where the bytes are; what the manifest says must be the same.
    guard value["file"]?.string == layout.fileName(stream) else {
      throw Self.damage("unexpected file of \"\(name)\"")
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

  private static func parentBytes(
    of name: String, _ manifest: JSONValue
  ) throws(PluginError) -> UInt64 {
    guard let number = manifest["parent"]?["streams"]?[name]?["size"]?.integer,
      let size = UInt64(exactly: number), size <= Limits.streamBytesMax
    else { throw damage("invalid size of \"\(name)\" in the parent") }
    return size
  }

  private static func damage(_ what: String) -> PluginError {
    PluginError(.corrupt, "\(Layout.manifest) is damaged: \(what)")
  }
}
