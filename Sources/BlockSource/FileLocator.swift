internal import Glibc
internal import System

/// Decides which files the names inside an image may mean.
///
/// `qemu-img create -b /etc/shadow` makes a valid image; whoever wrote the disk must not choose
/// what this process, perhaps as root, archives. Directories are compared as they are open, and
/// files are opened in them: nothing is looked up twice.
struct FileLocator {
  /// Files right in these are allowed: where the caller's name for the image lies, and where the
  /// image itself does, should that name be a link.
  private let own: Set<HeldDirectory.Identity>
  /// Files in or beneath these are allowed.
  private let allowed: Set<HeldDirectory.Identity>

  /// - Parameters:
  ///   - place: What the caller named.
  ///   - image: The file that was found there.
  init(_ place: FilePlace, _ image: ImageFile, allowBacking: [String]) throws(SourceError) {
    own = [place.directory.identity, image.directoryBehindLink()?.identity].reduce(into: []) {
      if let identity = $1 { $0.insert(identity) }
    }
    var directories: Set<HeldDirectory.Identity> = []
    for directory in allowBacking {
      guard let held = try? HeldDirectory(directory) else {
        throw .directoryUnusable(path: directory)
      }
      directories.insert(held.identity)
    }
    allowed = directories
  }

  /// The place of the file a name means, as QEMU understands it: a relative one begins where the
  /// name of its image lies, not where a link leads.
  ///
  /// - Parameters:
  ///   - name: As it stands in the image.
  ///   - image: The place of the image it stands in.
  func locate(_ name: String, in image: FilePlace) throws(SourceError) -> FilePlace {
    let refuse = { (why: SourceError.NameFault) in
      SourceError.nameRefused(name: name, image: image.path, why: why)
    }
    if Self.hasProtocol(name) { throw refuse(.notAPlainFile) }
    guard Self.isExact(name) else {
      throw .unsupported(
        path: image.path,
        what: "refers to “\(name)”, whose name is not UTF-8: QEMU does not report its bytes; "
          + "rename that file (qemu-img rebase -u)")
    }
    let (directory, leaf) = Self.split(name)
    let isPrintable = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    guard isPrintable, !leaf.isEmpty, leaf != ".", leaf != ".." else { throw refuse(.malformed) }
    let place = FilePlace(directory: try held(directory, image, name), leaf: leaf)
    guard try isAllowed(place.directory) else {
      throw refuse(.elsewhere(directory: place.directory.path))
    }
    let status: FileStatus
    do { status = try FileStatus(path: leaf, in: place.directory.raw) } catch {
      throw ImageFile.fault(error, place.path)
    }
    if status.kind == .link { throw refuse(.link) }
    return place
  }

  /// Whether the text of a name says what its bytes are. QEMU puts U+FFFD for what is no UTF-8, and
  /// a file that really has that name would be taken for another; so would the characters that
  /// stand for bytes here.
  private static func isExact(_ name: String) -> Bool {
    !name.unicodeScalars.contains("\u{FFFD}") && nameBytes(name).elementsEqual(name.utf8)
  }

  private func held(
    _ directory: String?, _ image: FilePlace, _ name: String
  ) throws(SourceError) -> HeldDirectory {
    guard let directory else { return image.directory }
    do { return try HeldDirectory(directory, from: image.directory) } catch {
      let written = name.hasPrefix("/") ? name : image.directory.path + "/" + name
      guard [ENOENT, ENOTDIR, ELOOP].contains(error.code) else {
        throw ImageFile.fault(error, written)
      }
      throw .missing(path: written)
    }
  }

  private func isAllowed(_ directory: HeldDirectory) throws(SourceError) -> Bool {
    if own.contains(directory.identity) { return true }
    if allowed.isEmpty { return false }
    return try lifted { () throws(SystemCallError) in try directory.isBeneath(allowed) }
  }

  /// QEMU takes `word:` before the first slash for the name of a protocol.
  static func hasProtocol(_ name: String) -> Bool {
    name.first { $0 == ":" || $0 == "/" } == ":"
  }

  /// What is before the last slash, if there is one, and what is behind it.
  private static func split(_ name: String) -> (directory: String?, leaf: String) {
    guard let slash = name.lastIndex(of: "/") else { return (nil, name) }
    let directory = slash == name.startIndex ? "/" : String(name[..<slash])
    return (directory, String(name[name.index(after: slash)...]))
  }
}
