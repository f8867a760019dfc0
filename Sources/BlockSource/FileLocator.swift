internal import Glibc
internal import System

/// Decides which files the names inside an image may mean.
///
/// `qemu-img create -b /etc/shadow` makes a valid image; whoever wrote the disk must not choose
/// what this process, perhaps as root, archives.
struct FileLocator {
  /// Of the image the caller named: files right in it are allowed.
  let imageDirectory: String
  /// Files in or beneath these are allowed.
  private let allowed: [String]

  /// - Parameter imagePath: Absolute, without symbolic links.
  init(imagePath: String, allowBacking: [String]) throws(SourceError) {
    imageDirectory = Self.split(imagePath).directory
    var directories: [String] = []
    for directory in allowBacking {
      guard let path = Self.resolved(directory) else { throw .directoryUnusable(path: directory) }
      directories.append(path)
    }
    allowed = directories
  }

  /// The path of the file a name means.
  ///
  /// - Parameters:
  ///   - name: As it stands in the image; relative to the image's directory.
  ///   - image: Absolute path of the image it stands in.
  func locate(_ name: String, in image: String) throws(SourceError) -> String {
    let refuse = { (why: SourceError.NameFault) in
      SourceError.nameRefused(name: name, image: image, why: why)
    }
    if Self.hasProtocol(name) { throw refuse(.notAPlainFile) }
    let written = name.hasPrefix("/") ? name : Self.split(image).directory + "/" + name
    let (directory, leaf) = Self.split(written)
    let isPrintable = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    guard isPrintable, !leaf.isEmpty, leaf != ".", leaf != ".." else { throw refuse(.malformed) }
    guard let parent = Self.resolved(directory) else { throw .missing(path: written) }
    guard isAllowed(parent) else { throw refuse(.elsewhere(directory: parent)) }
    let path = (parent == "/" ? "" : parent) + "/" + leaf
    let status: FileStatus
    do { status = try FileStatus(path: path) } catch { throw ImageFile.fault(error, path) }
    if status.kind == .link { throw refuse(.link) }
    return path
  }

  private func isAllowed(_ directory: String) -> Bool {
    directory == imageDirectory
      || allowed.contains { directory == $0 || $0 == "/" || directory.hasPrefix($0 + "/") }
  }

  /// QEMU takes `word:` before the first slash for the name of a protocol.
  static func hasProtocol(_ name: String) -> Bool {
    name.first { $0 == ":" || $0 == "/" } == ":"
  }

  /// A path without symbolic links, or `nil` if it leads nowhere.
  static func resolved(_ path: String) -> String? {
    guard let found = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(found) }
    return unsafe String(cString: found)
  }

  private static func split(_ path: String) -> (directory: String, leaf: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let directory = slash == path.startIndex ? "/" : String(path[..<slash])
    return (directory, String(path[path.index(after: slash)...]))
  }
}
