internal import CLinux
internal import Glibc

/// A name in a directory, as the file system has it: bytes that need not be text. Two names are
/// equal if their bytes are, whatever they look like.
package struct FileName: Hashable, Sendable {
  /// The UTF-8 of ``nameText(_:)``, with the terminating zero that the calls need.
  fileprivate let path: [CChar]

  package init(_ text: String) { path = Array(text.utf8CString) }

  /// - Parameter bytes: Up to the first zero.
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(unsafe nameText(bytes.prefix { $0 != 0 }))
  }

  /// As strings have it: see ``nameText(_:)``.
  package var text: String {
    String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// As the file system has it.
  package var bytes: [UInt8] { nameBytes(text) }

  fileprivate var isDirectoryItself: Bool { self == FileName(".") || self == FileName("..") }
}

/// Names in an open directory, in no order, without `.` and `..`.
///
/// - Parameter count: Most names that are taken; the rest is left out.
package func listNames(
  in directory: Int32, atMost count: Int = .max
) throws(SystemCallError) -> [FileName] {
  let opened = try openFile(".", in: directory, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  return try readNames(opened, atMost: count, subject: ".")
}

func readNames(
  _ directory: consuming OwnedDescriptor, atMost count: Int, subject: String
) throws(SystemCallError) -> [FileName] {
  let raw = directory.release()
  guard let stream = unsafe fdopendir(raw) else {
    let code = errno
    _ = clinux_close(raw)
    throw SystemCallError(.readDirectory, subject: subject, code: code)
  }
  defer { unsafe _ = closedir(stream) }
  var names: [FileName] = []
  while names.count < count, let entry = unsafe readdir(stream) {
    let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe FileName($0) }
    if !name.isDirectoryItself { names.append(name) }
  }
  return names
}

/// Opens a name in a directory; see `openFile(_:in:flags:mode:)`.
package func openFile(
  _ name: FileName, in directory: Int32, flags: Int32
) throws(SystemCallError) -> OwnedDescriptor {
  OwnedDescriptor(
    adopting: try check(
      unsafe clinux_openat(directory, name.path, flags, 0), .open, name.text))
}

extension FileName {
  /// Removes the name from a directory.
  package func unlink(in directory: Int32, isDirectory: Bool) throws(SystemCallError) {
    try check(unsafe clinux_unlinkat(directory, path, isDirectory ? 1 : 0), .unlink, text)
  }

  /// Moves what has this name, in place of what has the other if that can be.
  package func rename(
    in directory: Int32, to other: FileName, in target: Int32
  ) throws(SystemCallError) {
    try check(unsafe clinux_rename(directory, path, target, other.path), .rename, text)
  }

  /// Sets the mode of a file or directory, never of what a link leads to.
  package func setPermissions(_ mode: UInt32, in directory: Int32) throws(SystemCallError) {
    try check(unsafe clinux_fchmodat(directory, path, mode), .fchmod, text)
  }
}

extension FileStatus {
  /// Looks at a name without following a symbolic link.
  package init(_ name: FileName, in directory: Int32) throws(SystemCallError) {
    var status = stat()
    try check(unsafe clinux_fstatat(directory, name.path, &status), .fstat, name.text)
    self.init(status)
  }
}
