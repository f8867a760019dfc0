internal import BackupProtocol
internal import Glibc
internal import JobSupport
internal import Requests
internal import System

/// Looks for the archive that an increment refers to.
///
/// Where it is said to be counts for nothing but the order of the search: what is found must have
/// the content that the increment is bound to.
struct ParentSearch {
  let child: Archive
  let parent: ParentBackup
  /// Archives or directories that the user names.
  let named: [String]
  let surroundings: Surroundings
  let stop: StopSignal

  /// - Throws: `JobError` of status `.noInput` if there is none, `.badData` if what should be it
  ///   has other content.
  func run() throws(JobError) -> Archive {
    var impostor: String?
    var unreadable: JobError?
    for path in try places() {
      let receipt: Receipt
      switch ArchiveDirectory.result(of: path, surroundings) {
      case nil: continue
      case .success(let found): receipt = found
      case .failure(let error):
        unreadable = unreadable ?? error
        continue
      }
      if holdsContent(receipt) { return try open(path) }
      if receipt.job == parent.job { impostor = impostor ?? path }
    }
    if let impostor {
      throw JobError(
        .badData,
        "\(impostor) has changed since \(child.shownName) was made of it: its digests are others",
        hint: .nameParent)
    }
    // It may be that one.
    if let unreadable { throw unreadable }
    throw JobError(
      .noInput,
      "\(child.shownName) needs its parent, the backup of \(parent.instant.text) "
        + "(job \(cleaned(parent.job))), which was not found", hint: .nameParent)
  }

  /// Where it may be: where the user says, where the child says, beside the child.
  private func places() throws(JobError) -> [String] {
    var places: [String] = []
    for path in named {
      places += try ArchiveDirectory.archives(at: path, surroundings).entries.map(\.path)
    }
    guard child.held != nil else { return places }
    let (directory, _) = splitPath(child.path)
    let base = child.kind == .directory ? child.path : directory
    if let location = parent.location, let path = try? realPath("\(base)/\(location)") {
      places.append(path)
    }
    let siblings = (try? realPath(child.kind == .directory ? "\(child.path)/.." : directory)) ?? "."
    let beside = try? ArchiveDirectory(siblings, surroundings).entries
    return places + (beside ?? []).map(\.path)
  }

  private func holdsContent(_ receipt: Receipt) -> Bool {
    child.receipt.map { receipt.holds(parent, for: $0) } ?? false
  }

  private func open(_ path: String) throws(JobError) -> Archive {
    let archive = try Archive.find(ArchiveRequest(path), surroundings, stop: stop)
    guard let receipt = archive.receipt, holdsContent(receipt) else {
      throw JobError(.badData, "\(path) was replaced by another archive meanwhile")
    }
    return archive
  }
}
