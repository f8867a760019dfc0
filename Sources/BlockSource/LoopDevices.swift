package import System

/// The loop devices of this host, and the files behind them, as the kernel tells.
package enum LoopDevices {
  private static let directory = "/sys/block"

  /// A loop device that a file is attached to, e.g. `/dev/loop0`.
  package static func user(of file: FileStatus) -> String? {
    guard file.kind == .regular else { return nil }
    for name in (try? listDirectory(directory)) ?? [] where name.hasPrefix("loop") {
      let entry = "\(directory)/\(name)/loop/backing_file"
      guard var bytes = try? readSmallFile(entry, limit: 64 << 10) else { continue }
      if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
      guard let behind = try? FileStatus(path: String(decoding: bytes, as: UTF8.self)) else {
        continue
      }
      if behind.device == file.device && behind.inode == file.inode { return "/dev/\(name)" }
    }
    return nil
  }
}
