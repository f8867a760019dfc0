package import WriterKit

/// The names inside an archive: `NAME.raw` for a disk, `NAME` for everything else.
package enum Layout {
  /// The receipt, extended by what is known of each file.
  package static let manifest = "manifest.json"
  /// What `sha256sum -c` reads.
  package static let checksums = "SHA256SUMS"

  package static func fileName(_ stream: StreamDescription) -> String {
    stream.kind == .disk ? stream.name + ".raw" : stream.name
  }

  /// Refuses streams that cannot live side by side.
  package static func check(_ streams: [StreamDescription]) throws(PluginError) {
    var owners: [String: StreamDescription] = [:]
    for stream in streams {
      let file = fileName(stream)
      if file == manifest || file == checksums {
        throw PluginError(
          .badJob,
          "\(stream.kind) \"\(stream.name)\" has the name of a file that every archive "
            + "of this format contains; give it another name")
      }
      guard file.utf8.count <= Limits.nameBytesMax else {
        throw PluginError(
          .badJob,
          "\(stream.kind) \"\(stream.name)\" would be a file with a name of "
            + "\(file.utf8.count) bytes; \(Limits.nameBytesMax) are possible")
      }
      if let other = owners[file] {
        throw PluginError(
          .badJob,
          "\(other.kind) \"\(other.name)\" and \(stream.kind) \"\(stream.name)\" "
            + "would both be the file \(file); rename one of them")
      }
      owners[file] = stream
    }
  }
}
