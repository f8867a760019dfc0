internal import CLinux
internal import Glibc
internal import JSON
internal import System

/// When the backups were at which the bitmaps in QEMU began: QEMU does not know.
///
/// Files in the state directory, beside the journals, one for each backup. They are for people and
/// for removing what is old; no backup depends on them, and a bitmap without one has no known age.
package struct BitmapTimes: Sendable {
  /// Bytes of a file that are read; ours have some hundred.
  private static let bytesMax = 8 << 10

  private let directory: String

  package init(directory: String = StateDirectory.usual() + "/bitmaps") {
    self.directory = directory
  }

  /// Those of jobs whose journal is there.
  package init(beside journal: Journal) {
    self.init(directory: splitPath(splitPath(journal.path).directory).directory + "/bitmaps")
  }

  /// Keeps the time of a backup; what cannot be written stays unknown.
  ///
  /// - Parameters:
  ///   - seconds: Of its point in time, since 1970.
  ///   - qmp: The absolute path that journals name QEMU by.
  func note(_ name: BitmapName, seconds: Double, qmp: String) {
    write(
      [
        "bitmap": .string(name.bitmap), "instant": .integer(Int64(seconds)), "qmp": .string(qmp),
        "settled": false,
      ], name)
  }

  /// The backup was published and came to its end.
  func settle(_ name: BitmapName) {
    guard var entry = entry(name)?.object else { return }
    entry["settled"] = true
    write(entry, name)
  }

  /// Whether the job of a bitmap has died, if no job is at work: nobody knows whether its archive
  /// was published.
  package func isUnsettled(_ name: BitmapName) -> Bool { entry(name)?["settled"] == false }

  private func write(_ entry: JSONObject, _ name: BitmapName) {
    try? write(JSONValue.object(entry).serialised(.indented), name)
  }

  private func write(_ bytes: [UInt8], _ name: BitmapName) throws(SystemCallError) {
    let path = "\(try StateDirectory.made(directory))/\(name.job)"
    let file = try openFile(
      path, flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
    var failure: SystemCallError?
    unsafe bytes.withUnsafeBytes { buffer in
      do throws(SystemCallError) { try unsafe file.writeAll(buffer, at: 0, subject: path) } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  /// When a backup was, in seconds since 1970; `nil` if it was made elsewhere, or its file is lost.
  package func seconds(of name: BitmapName) -> Double? {
    entry(name)?["instant"]?.integer.map(Double.init)
  }

  /// Forgets the backups of a QEMU whose bitmaps are gone.
  ///
  /// - Parameter jobs: Of bitmaps that are still there.
  func keep(only jobs: Set<String>, of qmp: String) {
    for file in (try? listDirectory(directory)) ?? [] {
      guard let name = BitmapName(job: file), !jobs.contains(name.job),
        entry(name)?["qmp"]?.string == qmp
      else { continue }
      forget(name)
    }
  }

  /// Forgets a backup whose bitmaps are removed.
  package func forget(_ name: BitmapName) {
    _ = unsafe clinux_unlinkat(currentDirectory, "\(directory)/\(name.job)", 0)
  }

  private func entry(_ name: BitmapName) -> JSONValue? {
    guard StateDirectory.isTrusted(directory),
      let file = try? openFile("\(directory)/\(name.job)", flags: O_RDONLY | O_NOFOLLOW),
      let bytes = try? readBytes(file.raw, at: 0, count: Self.bytesMax)
    else { return nil }
    return try? JSONValue(parsing: bytes)
  }
}
