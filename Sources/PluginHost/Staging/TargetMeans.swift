internal import CLinux
internal import Glibc
internal import System

/// What the target's file system can do, tried on an empty file before any data is read.
struct TargetMeans: Equatable {
  /// How a name is given to a file that must not replace another.
  enum Naming: Equatable {
    /// RENAME_NOREPLACE.
    case exclusiveRename
    /// A second name, then the first is taken away: of files only.
    case link
    /// A look whether the name is free, then a rename: nothing else is there (NFS for directories,
    /// sshfs, FAT and exFAT through FUSE).
    case lookAndRename
  }

  private(set) var naming = Naming.exclusiveRename
  /// Whether a lease tells that no one has a file open for writing.
  private(set) var hasLeases = false
  /// Whether room can be taken before there is data (fallocate).
  private(set) var hasReservation = true

  /// Whether other users than the one who mounted it get in (FUSE: `allow_other`).
  let admitsOtherUsers: Bool

  private static let probe = "probe"
  private static let renamedProbe = "probe.renamed"

  /// - Parameter place: A directory of ours that no one else can enter.
  init(tryingIn place: Int32) throws(SystemCallError) {
    let flags = O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW
    let file = try openFile(Self.probe, in: place, flags: flags, mode: 0o600)
    // On NFS a lease says what the server has delegated, and not who writes.
    let kind = FileSystemKind(descriptor: place)
    let isFUSE = kind?.isFUSE ?? false
    let isNFS = kind?.isNFS ?? true
    hasLeases = !isNFS && clinux_prove_unwritten(file.raw) >= 0
    admitsOtherUsers = !isFUSE || Mount(of: place).options.contains("allow_other")
    hasReservation = Self.canReserve(in: place)
    var name = Self.probe
    let result = unsafe clinux_rename_no_replace(place, Self.probe, place, Self.renamedProbe)
    if result >= 0 {
      name = Self.renamedProbe
    } else {
      naming = Self.canLink(in: place) ? .link : .lookAndRename
    }
    try check(unsafe clinux_unlinkat(place, name, 0), .unlink, name)
  }

  /// Whether a file has a second name that shows it is the same file: sshfs makes one that looks
  /// like another file, and what was meant could not be told from what somebody put in its place.
  private static func canLink(in place: Int32) -> Bool {
    guard unsafe clinux_linkat(place, probe, place, renamedProbe) >= 0 else { return false }
    let first = try? FileStatus(path: probe, in: place)
    let second = try? FileStatus(path: renamedProbe, in: place)
    guard unsafe clinux_unlinkat(place, renamedProbe, 0) >= 0, let first, let second else {
      return false
    }
    return first.isSameFile(as: second)
  }

  private static func canReserve(in place: Int32) -> Bool {
    guard let file = try? openFile(probe, in: place, flags: O_WRONLY | O_NOFOLLOW) else {
      return false
    }
    let result = clinux_reserve(file.raw, 0, 4096)
    return result >= 0 || result == -ENOSPC || result == -EDQUOT
  }
}
