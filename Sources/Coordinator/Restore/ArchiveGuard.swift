internal import ArchiveJobs
internal import BackupProtocol
internal import BlockSource
internal import JobSupport
internal import Requests
internal import System

/// Keeps what is read of an archive from being written over it, or over a part of it.
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

  /// - Parameters:
  ///   - action: What is to be done with `path`.
  ///   - isRead: What is done with the archive.
  /// - Throws: `JobError` if a file or directory at `path` would take the place of a part of the
  ///   archive, or lie in it.
  func refuse(
    _ path: String, for action: String = "restore to", _ isRead: String = "restored"
  ) throws(JobError) {
    let isPart = (try? FileStatus(path: path)).map { identities.contains($0.identity) } ?? false
    let directory = isDirectory ? (try? HeldDirectory(splitPath(path).directory)) : nil
    let isInside = (try? directory?.isBeneath(identities)) ?? false
    guard isPart || isInside else { return }
    throw JobError(
      .cannotCreate, cannot: "\(action) \(path)", "it is part of the archive being \(isRead)",
      hint: "choose another path")
  }
}
