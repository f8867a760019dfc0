import CommandLine
import System

/// Who works for a running `sluice backup --qmp`.
extension Program {
  var watchdog: Int32? { Self.child(of: process, named: "sluice-watchdog") }

  /// The first plugin, below the launcher that watches it.
  var writer: Int32? {
    Self.child(of: process, named: "sluice-launcher").flatMap { Self.child(of: $0, named: nil) }
  }

  /// A child of any thread of a process, by its name.
  private static func child(of parent: Int32, named name: String?) -> Int32? {
    guard parent > 0 else { return nil }
    let tasks = (try? listDirectory("/proc/\(parent)/task")) ?? []
    return tasks.flatMap { text("/proc/\(parent)/task/\($0)/children").split(separator: " ") }
      .compactMap { Int32($0) }
      // The kernel keeps 15 bytes of a name.
      .first { name == nil || text("/proc/\($0)/comm") == "\(name?.prefix(15) ?? "")\n" }
  }

  private static func text(_ path: String) -> String {
    String(decoding: (try? readSmallFile(path, limit: 4096)) ?? [], as: UTF8.self)
  }
}
