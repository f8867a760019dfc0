internal import CLinux
internal import Glibc
internal import System

/// What a plugin without a sandbox leaves behind: this process inherits it, and ends it. In its
/// sandbox everything ends with the plugin.
enum Orphans {
  /// Rounds in which killed processes hand over children of their own.
  private static let roundCount = 200

  /// From here on they are children of this process.
  static func adopt() { _ = clinux_adopt_orphans(1) }

  /// Kills every child of this process, and its children, until there is none.
  static func end() {
    for _ in 0..<roundCount {
      let children = children()
      if children.isEmpty { break }
      for child in children {
        _ = kill(child, SIGKILL)
        var (status, isSignal): (Int32, Int32) = (0, 0)
        _ = unsafe clinux_reap(child, &status, &isSignal)
      }
      usleep(5_000)
    }
    _ = clinux_adopt_orphans(0)
  }

  private static func children() -> [pid_t] {
    let threads = (try? listDirectory("/proc/self/task")) ?? []
    return threads.flatMap { thread -> [pid_t] in
      let path = "/proc/self/task/\(thread)/children"
      let bytes = (try? readSmallFile(path, limit: 1 << 20)) ?? []
      return String(decoding: bytes, as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
    }
  }
}
