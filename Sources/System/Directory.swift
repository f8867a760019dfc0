internal import CLinux
internal import Glibc

/// Names in a directory as text, sorted, without `.` and `..`; ``listNames(in:atMost:)`` is exact.
///
/// - Throws: `SystemCallError` if the directory cannot be opened.
package func listDirectory(
  _ path: String, in directory: Int32 = currentDirectory
) throws(SystemCallError) -> [String] {
  let opened = try openFile(path, in: directory, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  return try readNames(opened, atMost: .max, subject: path).map(\.text).sorted()
}

/// The real path of a file: absolute, without links.
package func realPath(_ path: String) throws(SystemCallError) -> String {
  guard let resolved = unsafe clinux_realpath(path) else {
    throw SystemCallError(.open, subject: path, code: errno)
  }
  defer { unsafe free(resolved) }
  return unsafe nameText(cString: resolved)
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

/// A path from the root of the file system, for readers that are elsewhere. Links stay in it.
package func absolutePath(_ path: String) -> String {
  guard !path.hasPrefix("/"), let current = unsafe getcwd(nil, 0) else { return path }
  defer { unsafe free(current) }
  var relative = path[...]
  while relative.hasPrefix("./") { relative = relative.dropFirst(2).drop { $0 == "/" } }
  let directory = unsafe nameText(cString: current)
  return (directory == "/" ? "" : directory) + "/" + relative
}
