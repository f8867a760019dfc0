package import BackupProtocol
internal import Glibc
package import JobSupport
internal import PluginHost
internal import Requests
internal import System

/// A directory that holds archives, as backups make them: by their receipts, without any plugin.
package struct ArchiveDirectory {
  /// An archive that has a receipt.
  package struct Entry: Sendable {
    /// The directory and the archive's name in it.
    package let path: String
    /// Why it is not readable, if it is not.
    package let receipt: Result<Receipt, JobError>
  }

  /// Names that are looked at, at most.
  private static let namesMax = 1 << 16

  package let path: String
  /// By name.
  package let entries: [Entry]
  /// Whether nothing is in it, archive or not.
  let isEmpty: Bool

  /// Reads the receipts; what begins with a dot is none of a finished archive.
  ///
  /// - Throws: `JobError` if it is no directory or cannot be read.
  package init(_ path: String, _ surroundings: Surroundings) throws(JobError) {
    self.path = path
    let directory = try attempt("open \(path)") { () throws(SystemCallError) in
      try openFile(path, flags: O_RDONLY | O_DIRECTORY)
    }
    let names = try attempt("read \(path)") { () throws(SystemCallError) in
      try listNames(in: directory.raw, atMost: Self.namesMax)
    }
    let receipts = Self.receiptNames(surroundings)
    var entries: [Entry] = []
    for name in names.map(\.text).sorted() where !name.hasPrefix(".") {
      let archive = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
      if let entry = Self.entry(archive, receipts: receipts) { entries.append(entry) }
    }
    self.entries = entries
    isEmpty = names.allSatisfy { $0.text.hasPrefix(".") }
  }

  /// An archive itself, or those in a directory that is none.
  package static func archives(
    at path: String, _ surroundings: Surroundings
  ) throws(JobError) -> (entries: [Entry], isDirectory: Bool) {
    let status = try attempt("open \(path)") { () throws(SystemCallError) in
      try FileStatus(path: path)
    }
    if let entry = entry(path, receipts: receiptNames(surroundings)) { return ([entry], false) }
    guard status.kind == .directory else {
      throw JobError(
        .noInput, "\(path) has no receipt", hint: "name an archive or a directory of archives")
    }
    return (try ArchiveDirectory(path, surroundings).entries, true)
  }

  /// The receipt of one archive; `nil` if it has none that can be read.
  static func receipt(of archive: String, _ surroundings: Surroundings) -> Receipt? {
    try? result(of: archive, surroundings)?.get()
  }

  /// The receipt of one archive, or why it cannot be read; `nil` if it has none.
  static func result(
    of archive: String, _ surroundings: Surroundings
  ) -> Result<Receipt, JobError>? {
    entry(archive, receipts: receiptNames(surroundings))?.receipt
  }

  private static func receiptNames(_ surroundings: Surroundings) -> Set<String> {
    Set(surroundings.catalog.plugins.flatMap(\.manifest.formats).compactMap(\.receipt))
  }

  /// - Returns: `nil` for what has no receipt.
  private static func entry(_ archive: String, receipts: Set<String>) -> Entry? {
    guard let status = try? FileStatus(path: archive) else { return nil }
    do throws(JobError) {
      let receipt =
        status.kind == .directory
        ? try Self.receipt(inside: archive, receipts)
        : status.kind == .regular ? try ReceiptFile(besideArchive: archive).read() : nil
      return receipt.map { Entry(path: archive, receipt: .success($0)) }
    } catch {
      return Entry(path: archive, receipt: .failure(error))
    }
  }

  private static func receipt(
    inside archive: String, _ names: Set<String>
  ) throws(JobError) -> Receipt? {
    let directory = try attempt("open \(archive)") { () throws(SystemCallError) in
      try openFile(archive, flags: O_RDONLY | O_DIRECTORY)
    }
    for name in names.sorted() {
      if let receipt = try ReceiptFile(name, inside: directory.raw, of: archive).read() {
        return receipt
      }
    }
    return nil
  }
}
