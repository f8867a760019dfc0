internal import BackupProtocol
package import JobSupport
internal import Requests
package import System

/// The archives without which an increment cannot be read, down to a full one.
package struct ArchiveChain: Sendable {
  /// Most archives of a chain (protocol.md §7.6).
  package static let lengthMax = 64

  /// The archive that is wanted.
  package let archive: Archive
  /// The newest first; none if the archive is full.
  package let parents: [Archive]

  /// Finds the parents by their receipts; no plugin runs.
  ///
  /// - Parameter named: Archives or directories in which they are looked for first.
  /// - Throws: `JobError` if one is missing, or has other content than it should.
  package static func find(
    of archive: Archive, in named: [String], _ surroundings: Surroundings, stop: StopSignal
  ) throws(JobError) -> ArchiveChain {
    var parents: [Archive] = []
    var child = archive
    while let parent = child.receipt?.parent {
      guard parents.count < lengthMax - 1 else {
        throw JobError(
          .unavailable, "\(archive.shownName) has more than \(lengthMax - 1) parents",
          hint: "convert one of them into a full archive, and begin with that one")
      }
      guard !([archive] + parents).contains(where: { $0.receipt?.job == parent.job }) else {
        throw JobError(
          .badData,
          "\(child.shownName) refers to a backup that is made of it: "
            + "somebody has changed its receipt")
      }
      child = try ParentSearch(
        child: child, parent: parent, named: named, surroundings: surroundings, stop: stop
      ).run()
      parents.append(child)
    }
    return ArchiveChain(archive: archive, parents: parents)
  }

  /// Every archive, the wanted one first.
  package var archives: [Archive] { [archive] + parents }

  /// What the archive before must find in a parent.
  ///
  /// - Parameter level: From 0, which is the newest parent.
  func wanted(of level: Int) -> ParentBackup? { archives[level].receipt?.parent }

  /// How many parents a stream reaches into: a disk that came later begins its own chain.
  func depth(of stream: String) -> Int {
    archives.prefix { archive in
      archive.receipt?.streams.contains { $0.name == stream && $0.isIncremental } ?? false
    }.count
  }
}
