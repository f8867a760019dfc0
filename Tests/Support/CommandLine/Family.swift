import System

/// Who works for a running command.
extension Program {
  package var watchdog: Int32? { Self.children(of: process, named: "sluice-watchdog").first }

  /// The first plugin, below the launcher that watches it; another launcher may have none yet.
  package var writer: Int32? {
    Self.children(of: process, named: "sluice-launcher").lazy
      .flatMap { Self.children(of: $0, named: nil) }
      .first { Self.text("/proc/\($0)/cmdline").contains("sluice-writer-") }
  }

  /// Children of any thread of a process, by their name.
  private static func children(of parent: Int32, named name: String?) -> [Int32] {
    guard parent > 0 else { return [] }
    let tasks = (try? listDirectory("/proc/\(parent)/task")) ?? []
    return tasks.flatMap { text("/proc/\(parent)/task/\($0)/children").split(separator: " ") }
      .compactMap { Int32($0) }
      // The kernel keeps 15 bytes of a name.
      .filter { name == nil || text("/proc/\($0)/comm") == "\(name?.prefix(15) ?? "")\n" }
  }

  private static func text(_ path: String) -> String {
    String(decoding: (try? readSmallFile(path, limit: 4096)) ?? [], as: UTF8.self)
  }
}
