internal import System
package import WriterKit

/// Refuses what does not belong to an archive.
///
/// - Parameter names: Of all its files.
/// - Throws: E_CORRUPT.
package func checkDirectory(_ directory: Int32, holds names: Set<String>) throws(PluginError) {
  let found: [String]
  do { found = try listDirectory(".", in: directory) } catch {
    throw PluginError("listing the archive", error)
  }
  if let other = found.first(where: { !names.contains($0) }) {
    let shown = StreamDescription.isAcceptable(name: other) ? "\"\(other)\"" : "a file"
    throw PluginError(.corrupt, "unexpected file \(shown), not listed in \(Layout.manifest)")
  }
}

/// The text of manifest.json.
///
/// - Throws: E_NOT_FOUND if there is none.
package func readManifest(of format: String, in directory: Int32) throws(PluginError) -> [UInt8] {
  do {
    return try InputFile(opening: Layout.manifest, in: directory)
      .readAll(limit: Receipt.byteCountMax)
  } catch {
    guard error.code == .notFound else { throw error }
    throw PluginError(
      .notFound, "\(Layout.manifest) not found: not a \(format) archive, or an incomplete one")
  }
}
