internal import CLinux
internal import Glibc

/// Names in a directory, sorted, without `.` and `..`.
///
/// - Throws: `SystemCallError` if the directory cannot be opened.
package func listDirectory(
  _ path: String, in directory: Int32 = currentDirectory
) throws(SystemCallError) -> [String] {
  let opened = try openFile(path, in: directory, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  let raw = opened.release()
  guard let stream = unsafe fdopendir(raw) else {
    let code = errno
    _ = clinux_close(raw)
    throw SystemCallError(.readDirectory, subject: path, code: code)
  }
  defer { unsafe _ = closedir(stream) }
  var names: [String] = []
  while let entry = unsafe readdir(stream) {
    let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted()
}

/// The real path of a file: absolute, without links.
package func realPath(_ path: String) throws(SystemCallError) -> String {
  guard let resolved = unsafe realpath(path, nil) else {
    throw SystemCallError(.open, subject: path, code: errno)
  }
  defer { unsafe free(resolved) }
  return unsafe String(cString: resolved)
}

/// A path cut into its directory and its last part: `a/b` is (`a`, `b`), `b` is (`.`, `b`).
package func splitPath(_ path: String) -> (directory: String, name: String) {
  var trimmed = path[...]
  while trimmed.count > 1 && trimmed.hasSuffix("/") { trimmed.removeLast() }
  guard let slash = trimmed.lastIndex(of: "/") else { return (".", String(trimmed)) }
  let directory = trimmed[..<slash]
  let name = trimmed[trimmed.index(after: slash)...]
  return (directory.isEmpty ? "/" : String(directory), String(name))
}
