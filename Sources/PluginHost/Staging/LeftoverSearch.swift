internal import Glibc
package import System

/// A staging place in a directory whose job is over, or may be.
package struct Leftover: Sendable, Equatable {
  package enum Origin: Sendable {
    /// A job of this machine that has ended.
    case deadJob
    /// A job of another machine; whether it runs cannot be seen from here.
    case otherMachine
  }

  package let name: String
  package let origin: Origin
  package let storedBytes: Int64
  /// How long nothing in it was written.
  package let quietSeconds: Int64
}

/// Looks for leftovers in one directory, and removes them.
package final class LeftoverSearch {
  /// Files of an archive that are looked at.
  private static let filesMax = 4096

  private let directory: OwnedDescriptor

  package init(_ path: String) throws(SystemCallError) {
    directory = try openFile(path, flags: O_RDONLY | O_DIRECTORY)
  }

  /// What no job holds at this moment, sorted by name.
  package func leftovers() -> [Leftover] {
    StagingLeftovers.names(in: directory.raw).compactMap { name in
      guard let found = StagingLeftovers.find(name, in: directory.raw),
        let origin = Self.origin(found.mark)
      else { return nil }
      let (bytes, changed) = Self.measure(found.directory.raw)
      return Leftover(
        name: name, origin: origin, storedBytes: bytes,
        quietSeconds: max(0, Int64(time(nil)) - changed))
    }
  }

  /// Removes a leftover, if it still is one.
  ///
  /// - Returns: Whether it is gone.
  package func remove(_ leftover: Leftover) -> Bool {
    guard var found = StagingLeftovers.find(leftover.name, in: directory.raw),
      Self.origin(found.mark) == leftover.origin
    else { return false }
    do throws(SystemCallError) {
      try StagingLeftovers.remove(&found, from: directory.raw)
      return (try? FileStatus(path: leftover.name, in: directory.raw)) == nil
    } catch { return false }
  }

  private static func origin(_ mark: StagingMark) -> Leftover.Origin? {
    guard mark.isOfThisMachine else { return .otherMachine }
    return mark.isOfDeadJob ? .deadJob : nil
  }

  /// Bytes stored, and when something was written last: in the place, the archive and its files.
  private static func measure(_ place: Int32) -> (bytes: Int64, changed: Int64) {
    var (bytes, changed): (Int64, Int64) = (0, 0)
    func add(_ status: FileStatus?) {
      guard let status else { return }
      bytes += status.storedBytes
      changed = max(changed, status.modified)
    }
    add(try? FileStatus(descriptor: place, subject: "a leftover"))
    for name in (try? listDirectory(".", in: place)) ?? [] {
      add(try? FileStatus(path: name, in: place))
    }
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
    if let archive = try? openFile(StagingPlace.archiveName, in: place, flags: flags) {
      for name in ((try? listDirectory(".", in: archive.raw)) ?? []).prefix(filesMax) {
        add(try? FileStatus(path: name, in: archive.raw))
      }
    }
    return (bytes, changed)
  }
}
