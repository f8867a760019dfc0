/// What may be done at a path, and below it if it is a directory.
package struct PathRights: OptionSet, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let read = PathRights(rawValue: 1)
  /// Execute, and map as code.
  package static let execute = PathRights(rawValue: 2)
  /// Create, change, rename and remove files and directories; nothing else can be made.
  package static let write = PathRights(rawValue: 4)
  /// It is a device, such as `/dev/null` or a disk, and may be opened as one.
  package static let device = PathRights(rawValue: 8)
  /// Map as code, and execute no more than a kernel without Landlock cannot keep from it.
  package static let map = PathRights(rawValue: 16)
}

/// A place in the file system that stays reachable: the only ones that do.
package struct PathRule: Sendable, Equatable {
  enum Place: Sendable, Equatable {
    case name
    /// An open file of the caller's; only its number, which stays open until the launch.
    case descriptor(Int32)
    /// A directory among the process's own descriptors, by its number in the process.
    case inherited(Int32)
    /// A file among them, to be opened again by `/proc/self/fd`.
    case inheritedFile(Int32)
  }

  let place: Place
  /// Absolute; of what is inherited empty, unless it is to be found by a name as well.
  package let name: String
  package let rights: PathRights
  let isOptional: Bool

  /// Whatever `name` leads to at launch; symbolic links are followed, as the process would.
  ///
  /// - Parameter isOptional: The path may be missing, e.g. `/lib64`.
  package static func path(
    _ name: String, _ rights: PathRights, isOptional: Bool = false
  ) -> PathRule {
    PathRule(place: .name, name: name, rights: rights, isOptional: isOptional)
  }

  /// The very file behind `descriptor` (`O_PATH` suffices), whatever becomes of its name.
  ///
  /// - Parameter name: The absolute path where it appears in a new root.
  package static func file(
    _ descriptor: Int32, named name: String, _ rights: PathRights
  ) -> PathRule {
    PathRule(place: .descriptor(descriptor), name: name, rights: rights, isOptional: false)
  }

  /// The directory the process gets as descriptor `target` (0…15): it becomes the root of a mount
  /// of its own, so that `..` leads nowhere; no symbolic link in it is followed, no device opened.
  ///
  /// - Parameter name: Where it appears in a new root, if it does: an absolute path. Its `..` leads
  ///   to that root then.
  package static func inherited(
    _ target: Int32, _ rights: PathRights, named name: String = ""
  ) -> PathRule {
    PathRule(place: .inherited(target), name: name, rights: rights, isOptional: false)
  }

  /// The file the process gets as descriptor `target` (0…15): it may open it again, by
  /// `/proc/self/fd`, which it needs a `/proc` of its own for. The way to a file without a name.
  package static func inheritedFile(_ target: Int32, _ rights: PathRights) -> PathRule {
    PathRule(place: .inheritedFile(target), name: "", rights: rights, isOptional: false)
  }
}
