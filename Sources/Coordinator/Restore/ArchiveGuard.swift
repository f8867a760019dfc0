internal import ArchiveJobs
internal import BackupProtocol
internal import BlockSource
internal import JobSupport
internal import Requests
internal import System

/// Keeps a restore from writing over the archive that it reads, or a part of it.
struct ArchiveGuard {
  /// Of the archive and of the receipt beside it.
  private let identities: Set<HeldDirectory.Identity>
  private let isDirectory: Bool

  init(_ archive: Archive) {
    var found: Set<HeldDirectory.Identity> = []
    if let status = archive.status { found.insert(status.identity) }
    if let receipt = try? FileStatus(path: archive.path + ".sluice.json") {
      found.insert(receipt.identity)
    }
    identities = found
    isDirectory = archive.kind == .directory
  }

  /// - Throws: `JobError` if a file or directory at `path` would take the place of a part of the
  ///   archive, or lie in it.
  func refuse(_ path: String) throws(JobError) {
    let isPart = (try? FileStatus(path: path)).map { identities.contains($0.identity) } ?? false
    let directory = isDirectory ? (try? HeldDirectory(splitPath(path).directory)) : nil
    let isInside = (try? directory?.isBeneath(identities)) ?? false
    guard isPart || isInside else { return }
    throw JobError(
      .cannotCreate, cannot: "restore to \(path)", "it is part of the archive being restored",
      hint: "choose another path")
  }
}
