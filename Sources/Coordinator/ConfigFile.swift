internal import BackupProtocol
internal import BlockSource
internal import Glibc
internal import SharedPool
internal import System

/// A small file that is archived with the disks, kept in memory from the plan on: what is announced
/// is what is sent, even if the file is edited in the meantime.
struct ConfigFile: Sendable {
  static let byteCountMax = 16 << 20
  /// Bytes of all of a job's, which are in memory together.
  static let sumMax: UInt64 = 64 << 20

  let name: String
  let bytes: [UInt8]
  /// What it is to the machine (protocol.md, `role`).
  let role: String

  /// A configuration that we make ourselves.
  init(name: String, bytes: [UInt8], role: String) {
    self.name = name
    self.bytes = bytes
    self.role = role
  }

  /// A file of the user's.
  ///
  /// - Parameter name: In the archive; `nil` is the file's own.
  init(path: String, name: String? = nil, role: String = "config") throws(JobError) {
    let name = name ?? splitPath(path).name
    guard StreamDescription.isAcceptable(name: name) else {
      throw JobError(
        .usage, doing: "", "\"\(path)\" has a name that archives cannot hold",
        hint: "1 to 255 bytes, no control characters, no leading dot")
    }
    do {
      bytes = try readSmallFile(path, limit: Self.byteCountMax)
    } catch {
      throw JobError(error, cannot: "read the configuration \(path)")
    }
    self.name = name
    self.role = role
  }

  /// One extent of data, or nothing.
  var map: [Extent] {
    bytes.isEmpty ? [] : [Extent(offset: 0, length: UInt64(bytes.count), kind: .data)]
  }
}
