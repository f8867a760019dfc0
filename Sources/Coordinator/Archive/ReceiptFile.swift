internal import BackupProtocol
internal import Glibc
internal import JobSupport
internal import Requests
internal import System

/// The file in which a receipt is expected: it does not exist, or it is read completely.
///
/// Everything in between is an error: if a receipt that cannot be read counted as none, damage
/// would pass as "no receipt".
struct ReceiptFile {
  private let name: String
  private let directory: Int32
  /// As a person knows it.
  private let shown: String
  private let followsLinks: Bool

  /// The receipt beside an archive that is a file.
  init(besideArchive path: String) {
    self.init(path + ".sluice.json", in: currentDirectory, shown: path + ".sluice.json")
  }

  /// A receipt inside of an archive that is a directory.
  init(_ name: String, inside directory: Int32, of archive: String) {
    self.init(name, in: directory, shown: archive + "/" + name)
  }

  /// The file that the user names, which may be a link.
  init(named path: String) {
    self.init(path, in: currentDirectory, shown: path, followsLinks: true)
  }

  private init(_ name: String, in directory: Int32, shown: String, followsLinks: Bool = false) {
    self.name = name
    self.directory = directory
    self.shown = shown
    self.followsLinks = followsLinks
  }

  /// - Returns: `nil` only if there is no such file.
  func read() throws(JobError) -> Receipt? {
    guard let bytes = try bytes() else { return nil }
    do throws(ManifestError) { return try Receipt(parsing: bytes) } catch {
      if error.isOfAnotherVersion {
        throw unusable("\(error)", hint: .otherVersion(receipt: shown))
      }
      throw unusable("malformed: \(error)")
    }
  }

  /// The receipt, which must be there.
  func require() throws(JobError) -> Receipt {
    guard let receipt = try read() else {
      throw JobError(.noInput, cannot: "read the receipt \(shown)", errnoText(ENOENT))
    }
    return receipt
  }

  private func bytes() throws(JobError) -> [UInt8]? {
    guard let file = try open() else { return nil }
    let status = try readable { () throws(SystemCallError) in
      try FileStatus(descriptor: file.raw, subject: shown)
    }
    guard status.kind == .regular else { throw unusable("it is a \(status.kind), not a file") }
    guard status.size <= Int64(Receipt.byteCountMax) else {
      throw unusable("it has \(status.size) bytes, more than the 4 MiB of a receipt")
    }
    return try readable { () throws(SystemCallError) in
      try file.readToEnd(limit: Receipt.byteCountMax, subject: shown)
    }
  }

  private func open() throws(JobError) -> OwnedDescriptor? {
    // Not blocking: a pipe in its place must not hold us up before we look at it.
    let flags = O_RDONLY | O_NONBLOCK | (followsLinks ? 0 : O_NOFOLLOW)
    do throws(SystemCallError) { return try openFile(name, in: directory, flags: flags) } catch {
      switch error.code {
      // A name that is too long for the file system is one that no file can have.
      case ENOENT, ENAMETOOLONG: return nil
      case ELOOP: throw unusable("it is a symbolic link, which is not followed")
      default: throw unreadable(error)
      }
    }
  }

  private func readable<Value>(
    _ body: () throws(SystemCallError) -> Value
  ) throws(JobError) -> Value {
    do throws(SystemCallError) { return try body() } catch { throw unreadable(error) }
  }

  private func unreadable(_ error: SystemCallError) -> JobError {
    JobError(
      // A receipt that exists is not a missing input, whatever the errno.
      error.status == .permission ? .permission : .inputOutput,
      cannot: "read the receipt \(shown)", errnoText(error.code), hint: .repairReceipt)
  }

  private func unusable(_ what: String, hint: Remedy = .repairReceipt) -> JobError {
    JobError(.badData, cannot: "read the receipt \(shown)", what, hint: hint)
  }
}
