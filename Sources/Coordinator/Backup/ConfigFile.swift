internal import BackupProtocol
internal import BlockSource
internal import Glibc
internal import JobSupport
internal import Requests
internal import SharedPool
internal import System

/// A small file that is archived with the disks, kept in memory from the plan on: what is announced
/// is what is sent, even if the file is edited in the meantime.
package struct ConfigFile: Sendable {
  package static let byteCountMax = 16 << 20
  /// Bytes of all of a job's, which are in memory together.
  package static let sumMax: UInt64 = 64 << 20

  package let name: String
  let bytes: [UInt8]
  /// What it is to the machine (protocol.md, `role`).
  let role: String

  /// A configuration that we make ourselves.
  package init(name: String, bytes: [UInt8], role: String) {
    self.name = name
    self.bytes = bytes
    self.role = role
  }

  /// A file of the user's.
  ///
  /// - Parameters:
  ///   - name: In the archive; `nil` is the file's own.
  ///   - stop: Ends the waiting for a pipe.
  init(
    path: String, name: String? = nil, role: String = "config", stop: StopSignal
  ) throws(JobError) {
    let name = name ?? splitPath(path).name
    guard StreamDescription.isAcceptable(name: name), isPlain(name) else {
      throw JobError(
        .usage, "\"\(path)\" has a name that archives cannot hold",
        hint: "1 to 255 bytes, no control or invisible characters, no leading dot")
    }
    let file = NamedFile(path: path, action: "read the configuration \(path)", stop: stop)
    guard let bytes = try file.read(limit: Self.byteCountMax) else {
      throw JobError(
        .usage, cannot: file.action, "it is larger than \(Self.byteCountMax >> 20) MiB",
        hint: role == "config" ? .addAsDisk : nil)
    }
    self.bytes = bytes
    self.name = name
    self.role = role
  }

  /// One extent of data, or nothing.
  var map: [Extent] {
    bytes.isEmpty ? [] : [Extent(offset: 0, length: UInt64(bytes.count), kind: .data)]
  }
}
