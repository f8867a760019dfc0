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
          "\(stream.kind) \"\(stream.name)\" has a reserved name in this format; "
            + "rename it")
      }
      guard file.utf8.count <= Limits.nameBytesMax else {
        throw PluginError(
          .badJob,
          "the file name of \(stream.kind) \"\(stream.name)\" would have "
            + "\(file.utf8.count) bytes; the limit is \(Limits.nameBytesMax)")
      }
      if let other = owners[file] {
        throw PluginError(
          .badJob,
          "\(other.kind) \"\(other.name)\" and \(stream.kind) \"\(stream.name)\" "
            + "have the same file name \(file); rename one of them")
      }
      owners[file] = stream
    }
  }
}
