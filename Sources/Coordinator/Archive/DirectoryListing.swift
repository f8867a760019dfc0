package import BackupProtocol
internal import Glibc
package import JobSupport
internal import Requests
internal import System

/// What a directory of archives holds: of which machines and points in time, and what refers to
/// what.
package struct DirectoryListing: Sendable {
  package enum ParentState: Equatable, Sendable {
    /// The archive of this name.
    case present(String)
    /// No archive of the directory.
    case missing
    /// An archive has its job, but other content.
    case changed(String)
  }

  package struct Line: Sendable {
    /// In the directory.
    package let name: String
    package let path: String
    package let receipt: Receipt
    /// Bytes that it takes on the storage.
    package let storedBytes: UInt64
    /// Of an increment.
    package let parent: ParentState?
    /// 0 for what refers to nothing that is there, 1 for what does.
    package let depth: Int
  }

  package let directory: String
  /// By machine, then chain by chain: a parent comes before what refers to it.
  package let lines: [Line]
  /// Archives whose receipts cannot be read.
  package let unreadable: [JobError]

  /// - Returns: `nil` if the path is no directory, or is an archive itself.
  /// - Throws: `JobError` if the directory cannot be read.
  package init?(of path: String, _ surroundings: Surroundings) throws(JobError) {
    guard path != Archive.standardInput, (try? FileStatus(path: path))?.kind == .directory else {
      return nil
    }
    guard ArchiveDirectory.receipt(of: path, surroundings) == nil else { return nil }
    let contents = try ArchiveDirectory(path, surroundings)
    let entries = contents.entries
    guard !entries.isEmpty || contents.isEmpty else { return nil }
    directory = path
    var found: [(path: String, receipt: Receipt)] = []
    var unreadable: [JobError] = []
    for entry in entries {
      switch entry.receipt {
      case .success(let receipt): found.append((entry.path, receipt))
      case .failure(let error): unreadable.append(error)
      }
    }
    self.unreadable = unreadable
    lines = Self.ordered(found)
  }

  private typealias Found = (path: String, receipt: Receipt)

  private static func ordered(_ found: [Found]) -> [Line] {
    let byTime = found.sorted { first, second in
      (first.receipt.vm.key, first.receipt.instant?.text ?? "", first.path)
        < (second.receipt.vm.key, second.receipt.instant?.text ?? "", second.path)
    }
    let byJob = Dictionary(grouping: byTime) { $0.receipt.job }
    let children = Dictionary(grouping: byTime) { $0.receipt.parent?.job ?? "" }
    var lines: [Line] = []
    var taken: Set<String> = []
    func add(_ root: Found) {
      var waiting = [(archive: root, depth: 0)]
      while let (archive, depth) = waiting.popLast() {
        guard taken.insert(archive.path).inserted else { continue }
        lines.append(line(archive, depth: depth, byJob))
        // The oldest is taken first, with all that refers to it.
        let next = (children[archive.receipt.job] ?? []).filter {
          $0.receipt.format == archive.receipt.format
        }
        waiting += next.reversed().map { ($0, 1) }
      }
    }
    for archive in byTime where byJob[archive.receipt.parent?.job ?? ""] == nil { add(archive) }
    // What refers to itself in a circle, which only somebody's hand can have made.
    for archive in byTime { add(archive) }
    return lines
  }

  private static func line(_ archive: Found, depth: Int, _ byJob: [String: [Found]]) -> Line {
    let receipt = archive.receipt
    return Line(
      name: splitPath(archive.path).name, path: archive.path, receipt: receipt,
      storedBytes: storedBytes(archive.path),
      parent: receipt.parent.map { state(of: $0, for: receipt, byJob[$0.job] ?? []) },
      depth: depth)
  }

  private static func state(
    of parent: ParentBackup, for receipt: Receipt, _ candidates: [Found]
  ) -> ParentState {
    if let found = candidates.first(where: { $0.receipt.holds(parent, for: receipt) }) {
      return .present(splitPath(found.path).name)
    }
    return candidates.first.map { .changed(splitPath($0.path).name) } ?? .missing
  }

  /// Blocks of a file, or of the files in a directory; links are not followed.
  private static func storedBytes(_ path: String) -> UInt64 {
    guard let status = try? FileStatus(path: path) else { return 0 }
    guard status.kind == .directory else { return UInt64(clamping: status.storedBytes) }
    guard let directory = try? openFile(path, flags: O_RDONLY | O_DIRECTORY),
      let names = try? listNames(in: directory.raw, atMost: 4096)
    else { return 0 }
    return names.reduce(0) { sum, name in
      let status = try? FileStatus(path: name.text, in: directory.raw)
      return sum + UInt64(clamping: status?.storedBytes ?? 0)
    }
  }
}

extension Receipt {
  /// Whether an archive with this receipt has the content that an increment needs.
  func holds(_ parent: ParentBackup, for child: Receipt) -> Bool {
    child.streams.filter(\.isIncremental).allSatisfy { needed in
      guard let wanted = parent.streams[needed.name],
        let found = streams.first(where: { $0.name == needed.name })
      else { return false }
      return found.size == wanted.size && found.digest == wanted.digest
    }
  }
}

extension Job.Machine {
  /// What archives of one machine have in common.
  fileprivate var key: String { [name, id, uuid].first { !$0.isEmpty } ?? "" }
}
