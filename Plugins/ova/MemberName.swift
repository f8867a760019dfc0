import WriterKit

/// The name of a member as the name of a file in one directory.
///
/// A leading `./` is dropped, and directories are: what is restored lies side by side.
///
/// - Throws: E_CORRUPT for names that lead somewhere else, or that no file may have.
func fileName(ofMember name: String) throws(PluginError) -> String {
  let parts = name.split(separator: "/", omittingEmptySubsequences: false)
  guard !parts.contains(".."), let last = parts.last, name.first != "/" else {
    throw PluginError(.corrupt, "the archive has a member with an unsafe path name")
  }
  guard StreamDescription.isAcceptable(name: String(last)) else {
    throw PluginError(.corrupt, "the archive has a member with an invalid name")
  }
  return String(last)
}
