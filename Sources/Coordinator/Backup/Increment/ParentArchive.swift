package import ArchiveJobs
package import BackupProtocol
internal import Glibc
internal import JobSupport
internal import Requests
internal import System

/// The backup that a job refers to: all archives of its chain are there.
package struct ParentArchive: Sendable {
  /// Of the first output's parent.
  package let chain: ArchiveChain
  /// The parent of each output, in the order of the outputs.
  let paths: [String]
  package let receipt: Receipt

  /// - Throws: `JobError` if an archive of the chain is missing, or the chain is as long as it may
  ///   be.
  init(
    _ backup: ParentCandidates.Backup, _ surroundings: Surroundings, stop: StopSignal
  ) throws(JobError) {
    let archive = try Archive.find(ArchiveRequest(backup.paths[0]), surroundings, stop: stop)
    chain = try ArchiveChain.find(of: archive, in: [], surroundings, stop: stop)
    guard let receipt = archive.receipt, receipt.contents == backup.receipt.contents else {
      throw JobError(.badData, "\(backup.paths[0]) was replaced by another archive meanwhile")
    }
    guard chain.archives.count < ArchiveChain.lengthMax else {
      throw JobError(
        .unavailable,
        "\(backup.paths[0]) is the last of \(chain.archives.count) archives, the most of a chain",
        hint: .beginChain)
    }
    self.receipt = receipt
    paths = backup.paths
  }

  /// What JOB and receipt say of it.
  ///
  /// - Parameters:
  ///   - output: Its number in the job.
  ///   - place: Where that output's archive will be; `nil` for a stream.
  func description(of output: Int, at place: String?, isDirectory: Bool) -> ParentBackup {
    ParentBackup(
      job: receipt.job, instant: receipt.instant ?? makeTimestamp(),
      location: place.flatMap { location(of: paths[output], from: $0, isDirectory: isDirectory) },
      streams: receipt.contents)
  }

  /// The parent's path, relative to the archive that is a directory, or to the one that holds it.
  private func location(of parent: String, from place: String, isDirectory: Bool) -> String? {
    let (directory, name) = splitPath(place)
    guard let base = try? realPath(directory), let target = try? realPath(parent) else {
      return nil
    }
    let path = relativePath(
      of: target, from: isDirectory ? (base == "/" ? "/\(name)" : "\(base)/\(name)") : base)
    return ParentBackup.isAcceptable(location: path) ? path : nil
  }
}

/// How one absolute path is reached from a directory; both without links.
func relativePath(of target: String, from directory: String) -> String {
  let to = target.split(separator: "/")
  let from = directory.split(separator: "/")
  let common = zip(to, from).prefix { $0 == $1 }.count
  let parts = from.dropFirst(common).map { _ in ".." } + to.dropFirst(common).map(String.init)
  return parts.isEmpty ? "." : parts.joined(separator: "/")
}
