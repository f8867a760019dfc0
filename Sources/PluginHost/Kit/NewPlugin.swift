internal import BackupProtocol
internal import CLinux
internal import Glibc
package import System

/// Why no new plugin was made.
package enum NewPluginError: Error, Sendable {
  /// Not a name that a format may have.
  case badName(String)
  case noTemplates(directory: String)
  case unknownLanguage(String, known: [String])
  /// A template that cannot be used, and why.
  case template(String)
  /// There is something of that name.
  case exists(String)
  case system(SystemCallError)
}

/// A new plugin: a folder with a program that writes, reads and verifies archives of a new format,
/// and what builds, checks and packs it.
package struct NewPlugin: Sendable {
  package let name: String
  /// Its folder, as the user names it.
  package let folder: String
  /// Paths below the folder, sorted.
  package let files: [String]

  /// Makes the folder; if that fails, nothing of it is left.
  ///
  /// - Parameter directory: Where the folder goes.
  package init(
    _ name: String, from template: PluginTemplate, in directory: String
  ) throws(NewPluginError) {
    try Self.require(name: name)
    let files = template.files(named: name)
    (self.name, self.files) = (name, files.map(\.path))
    folder = directory == "." ? name : "\(directory)/\(name)"
    do throws(SystemCallError) {
      let parent = try openFile(directory, flags: O_RDONLY | O_DIRECTORY)
      try check(unsafe clinux_mkdirat(parent.raw, name, 0o755), .mkdir, folder)
      do throws(SystemCallError) { try Self.write(files, to: name, in: parent.raw) } catch {
        Self.remove(name, in: parent.raw)
        throw error
      }
    } catch {
      throw error.code == EEXIST && error.call == .mkdir ? .exists(folder) : .system(error)
    }
  }

  /// What a format may be called (protocol.md §2.3). It is also a part of file names: a hyphen at
  /// its start would be taken for an option.
  package static func require(name: String) throws(NewPluginError) {
    guard StreamDescription.isAcceptable(role: name), !name.hasPrefix("-") else {
      throw .badName(name)
    }
  }

  private static func write(
    _ files: [PluginTemplate.File], to name: String, in parent: Int32
  ) throws(SystemCallError) {
    let folder = try openFile(name, in: parent, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    for file in files {
      try makeDirectories(of: file.path, in: folder.raw)
      let written = try openFile(
        file.path, in: folder.raw, flags: O_WRONLY | O_CREAT | O_EXCL,
        mode: file.isProgram ? 0o755 : 0o644)
      let bytes = file.bytes
      // Why: `writeAll` takes a buffer. Safe because: it is not kept.
      let result = unsafe bytes.withUnsafeBytes { buffer in
        Result { () throws(SystemCallError) in
          try unsafe written.writeAll(buffer, at: 0, subject: file.path)
        }
      }
      try result.get()
    }
  }

  private static func makeDirectories(of path: String, in folder: Int32) throws(SystemCallError) {
    var directory = ""
    for part in path.split(separator: "/").dropLast() {
      directory += directory.isEmpty ? String(part) : "/\(part)"
      let result = unsafe clinux_mkdirat(folder, directory, 0o755)
      if result != -EEXIST { try check(result, .mkdir, directory) }
    }
  }

  private static func remove(_ name: String, in parent: Int32) {
    guard let folder = try? openFile(name, in: parent, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    else { return }
    var removal = TreeRemoval(root: folder.raw)
    try? removal.run()
    try? FileName(name).unlink(in: parent, isDirectory: true)
  }
}
