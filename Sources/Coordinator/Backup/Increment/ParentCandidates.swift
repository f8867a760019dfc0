internal import ArchiveJobs
internal import BackupProtocol
internal import Glibc
internal import JobSupport
internal import Requests
internal import System

/// Archives that an output's increment could refer to, by their receipts.
struct ParentCandidates {
  /// A backup that is there for every output.
  struct Backup: Sendable {
    let receipt: Receipt
    /// The archive of each output, in the order of the outputs.
    let paths: [String]
  }

  /// The newest first.
  let backups: [Backup]

  /// Reads the receipts.
  ///
  /// - Throws: `JobError` if a place is not readable; `.unavailable` if a format cannot hold
  ///   increments; `.usage` if outputs have no parent job in common.
  init(
    _ outputs: [BackupPlan.Output], _ request: IncrementRequest, _ surroundings: Surroundings
  ) throws(JobError) {
    try Self.requireAble(outputs)
    guard request.level != .full else {
      backups = []
      return
    }
    let labels = outputs.map(\.label)
    var lists: [[(receipt: Receipt, path: String)]] = []
    var areNamed = true
    for output in outputs {
      var list: [(Receipt, String)] = []
      for place in request.places(of: output.label, among: labels) {
        let found = try Self.archives(at: place, surroundings)
        list += found.archives
        if found.isDirectory { areNamed = false }
      }
      lists.append(list.filter { $0.0.format == output.chosen.format.name })
    }
    backups = Self.common(lists)
    let isUnmatched = areNamed && backups.isEmpty && lists.allSatisfy { !$0.isEmpty }
    if isUnmatched && outputs.count > 1 {
      throw JobError(
        .usage, "the outputs have parents of different backups: they need one in common",
        hint: "name for each output a parent that is of the same backup")
    }
  }

  /// Increments are refused before anything starts where a format cannot hold them.
  private static func requireAble(_ outputs: [BackupPlan.Output]) throws(JobError) {
    guard let output = outputs.first(where: { !$0.chosen.format.isIncremental }) else { return }
    throw JobError(
      .unavailable, "format \"\(output.chosen.format.name)\" cannot hold incremental backups",
      hint: .incrementalFormat)
  }

  private static func archives(
    at place: String, _ surroundings: Surroundings
  ) throws(JobError) -> (archives: [(Receipt, String)], isDirectory: Bool) {
    let found = try ArchiveDirectory.archives(at: place, surroundings)
    var archives: [(Receipt, String)] = []
    for entry in found.entries {
      switch entry.receipt {
      case .success(let receipt): archives.append((receipt, entry.path))
      // One that is named must be readable; of a directory the others may do.
      case .failure(let error):
        guard found.isDirectory else { throw error }
        surroundings.events(.warning("\(error)"))
      }
    }
    return (archives, found.isDirectory)
  }

  /// Backups that every list has, with the same content.
  private static func common(_ lists: [[(receipt: Receipt, path: String)]]) -> [Backup] {
    guard let first = lists.first else { return [] }
    var backups: [Backup] = []
    for candidate in first {
      var paths = [candidate.path]
      for list in lists.dropFirst() {
        let same = list.first { other in
          other.receipt.job == candidate.receipt.job
            && other.receipt.contents == candidate.receipt.contents
        }
        if let same { paths.append(same.path) }
      }
      if paths.count == lists.count {
        backups.append(Backup(receipt: candidate.receipt, paths: paths))
      }
    }
    return newestFirst(backups)
  }

  /// By their points in time; one that is made of another is newer, whatever the clock was.
  private static func newestFirst(_ backups: [Backup]) -> [Backup] {
    let receipts = Dictionary(
      backups.map { ($0.receipt.job, $0.receipt) }, uniquingKeysWith: { first, _ in first })
    func age(_ receipt: Receipt) -> (instant: String, depth: Int) {
      var (instant, depth, next) = (receipt.instant?.text ?? "", 0, receipt.parent?.job)
      while let job = next, let parent = receipts[job], depth < ArchiveChain.lengthMax {
        instant = max(instant, parent.instant?.text ?? "")
        (depth, next) = (depth + 1, parent.parent?.job)
      }
      return (instant, depth)
    }
    return backups.map { ($0, age($0.receipt)) }.sorted { $0.1 > $1.1 }.map(\.0)
  }
}

extension Receipt {
  /// The disks that increments are bound to.
  var contents: [String: ParentBackup.Stream] {
    streams.reduce(into: [:]) { contents, stream in
      guard stream.kind == .disk, stream.digest.algorithm != .none else { return }
      contents[stream.name] = ParentBackup.Stream(size: stream.size, digest: stream.digest)
    }
  }
}
