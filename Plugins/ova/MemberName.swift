import WriterKit

/// The name of a member as the name of a file in one directory.
///
/// A leading `./` is dropped, and directories are: what is restored lies side by side.
///
/// - Returns: The name; it may be that of a hidden file, which no stream can have.
/// - Throws: E_CORRUPT for names that lead somewhere else, or that no file may have.
func fileName(ofMember name: String) throws(PluginError) -> String {
  let parts = name.split(separator: "/", omittingEmptySubsequences: false)
  guard !parts.contains(".."), let last = parts.last, name.first != "/" else {
    throw PluginError(.corrupt, "the archive has a member with an unsafe path name")
  }
  let file = String(last)
  guard StreamDescription.isAcceptable(name: file) || isHidden(file) else {
    throw PluginError(.corrupt, "the archive has a member with an invalid name")
  }
  return file
}

/// Whether a file is hidden, as `._web.ovf` is, in which the `tar` of macOS keeps what a file has
/// beside its bytes. Nothing of it belongs to a machine.
func isHidden(_ file: String) -> Bool {
  // By bytes: to `hasPrefix`, a dot with an accent on it is no dot.
  guard file.utf8.first == UInt8(ascii: "."), file.utf8.count > 1 else { return false }
  let rest = String(decoding: file.utf8.dropFirst(), as: UTF8.self)
  return StreamDescription.isAcceptable(name: "_" + rest)
}

extension Host {
  /// Says that a hidden file is left out.
  func warnOfHidden(_ file: String) {
    log(.warning, "\"\(file)\" is a hidden file: skipped")
  }
}
