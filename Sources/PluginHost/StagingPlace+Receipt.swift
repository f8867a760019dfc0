internal import BackupProtocol
internal import CLinux
internal import Glibc
internal import System

extension StagingPlace {
  /// Makes the place of the receipt that will lie beside an archive, as `NAME.sluice.json`.
  ///
  /// A receipt without its archive is all that a job leaves that died between the two renames; it
  /// is removed. Specified in protocol.md, *Publishing*.
  ///
  /// - Parameter archive: The target of an archive whose own staging place stands already.
  package convenience init(receiptOf archive: String, id: String) throws(PublishingError) {
    let target = archive + ".sluice.json"
    if Self.isAbandonedReceipt(target, of: archive) {
      _ = unsafe clinux_unlinkat(currentDirectory, target, 0)
    }
    try self.init(target: target, kind: .file, id: id)
  }

  /// Whether a file is a receipt, nobody holds it, and its archive does not exist.
  ///
  /// In this order: a job holds the lock of its receipt until its archive has its name.
  private static func isAbandonedReceipt(_ path: String, of archive: String) -> Bool {
    guard let file = try? openFile(path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
      clinux_try_lock(file.raw) >= 0,
      let bytes = try? readSmallFile(
        path, limit: Receipt.byteCountMax, flags: O_NOFOLLOW | O_NONBLOCK),
      (try? Receipt(parsing: bytes)) != nil
    else { return false }
    do throws(SystemCallError) { _ = try FileStatus(path: archive) } catch {
      return error.code == ENOENT
    }
    return false
  }
}
