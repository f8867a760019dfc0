internal import CLinux
internal import Glibc
internal import System

/// The user and group id that a writer plugin runs under when the caller is root.
///
/// It must not be in use: a process with the same id could open the plugin's files, stop it and, on
/// older kernels, look into it. The first ids of containers (`/etc/subuid`) are therefore as wrong
/// as those of services. Why these numbers: docs/decisions/0020.
package struct PluginUser {
  /// Debian and systemd keep these for nothing; 65534 is `nobody`.
  package static let candidates: ClosedRange<UInt32> = 65521...65533
  private static let fileBytesMax = 64 << 20
  /// To become another user, to give that user its file, and to take what it made.
  private static let needed: [(bit: Int, name: String)] = [
    (7, "CAP_SETUID"), (6, "CAP_SETGID"), (0, "CAP_CHOWN"), (1, "CAP_DAC_OVERRIDE"),
    (3, "CAP_FOWNER"),
  ]

  private let root: String
  private let launcher: String?

  /// - Parameters:
  ///   - launcher: Path of `sluice-launcher`: what it has started does not make an id another's.
  ///   - root: Where `etc` and `proc` lie; tests have their own.
  package init(launcher: String, root: String = "") {
    self.root = root
    self.launcher = try? realPath(launcher)
  }

  /// The identity of a writer plugin.
  ///
  /// Where no id is to be had, it is the caller's, and a layer of the sandbox is missing.
  package func identity() -> SandboxIdentity {
    guard geteuid() == 0 else { return .plugin }
    guard let id = find() else { return .callers }
    return .mapped(user: id, group: id)
  }

  /// The first free id; `nil` if all are in use.
  package func find() -> UInt32? {
    let complaints = complaints()
    return Self.candidates.first { complaints[$0] == nil }
  }

  /// Why an id cannot be taken, for each that cannot.
  package func complaints() -> [UInt32: String] {
    var found: [UInt32: String] = [:]
    for (name, columns) in [("passwd", [2, 3]), ("group", [2])] {
      for line in lines("etc/\(name)") {
        for id in columns.compactMap({ number(line, $0) }) where Self.candidates.contains(id) {
          found[id] = "is \"\(line.first ?? "")\" in /etc/\(name)"
        }
      }
    }
    for name in ["subuid", "subgid"] {
      for line in lines("etc/\(name)") {
        for id in Self.candidates where isInRange(id, line) {
          found[id] = "is delegated to \"\(line.first ?? "")\" in /etc/\(name)"
        }
      }
    }
    for (id, process) in processes() { found[id] = "is in use by process \(process)" }
    for id in Self.candidates where !Self.isMapped(id, root: root) {
      found[id] = "does not exist in this user namespace"
    }
    let lacking = lackingCapabilities()
    if !lacking.isEmpty {
      for id in Self.candidates { found[id] = "needs \(lacking.joined(separator: ", "))" }
    }
    return found
  }

  /// What root lacks in a container or a service that drops capabilities.
  private func lackingCapabilities() -> [String] {
    let bytes = (try? readSmallFile("\(root)/proc/self/status", limit: Self.fileBytesMax)) ?? []
    let prefix = "CapEff:\t"
    let line = bytes.split(separator: UInt8(ascii: "\n"))
      .map { String(decoding: $0, as: UTF8.self) }.first { $0.hasPrefix(prefix) }
    guard let line, let held = UInt64(line.dropFirst(prefix.count), radix: 16) else { return [] }
    return Self.needed.filter { held >> UInt64($0.bit) & 1 == 0 }.map(\.name)
  }

  /// Whether an id exists in the user namespace this process is in, as user and as group.
  package static func isMapped(_ id: UInt32, root: String = "") -> Bool {
    ["uid_map", "gid_map"].allSatisfy { name in
      guard let bytes = try? readSmallFile("\(root)/proc/self/\(name)", limit: fileBytesMax)
      else { return true }
      return bytes.split(separator: UInt8(ascii: "\n")).contains { line in
        let numbers = line.split(separator: UInt8(ascii: " ")).compactMap {
          UInt64(String(decoding: $0, as: UTF8.self))
        }
        return numbers.count == 3 && UInt64(id) >= numbers[0]
          && UInt64(id) - numbers[0] < numbers[2]
      }
    }
  }

  private func lines(_ path: String) -> [[String]] {
    let bytes = (try? readSmallFile("\(root)/\(path)", limit: Self.fileBytesMax)) ?? []
    return bytes.split(separator: UInt8(ascii: "\n")).map { line in
      line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
    }
  }

  private func number(_ line: [String], _ column: Int) -> UInt32? {
    line.count > column ? UInt32(line[column]) : nil
  }

  private func isInRange(_ id: UInt32, _ line: [String]) -> Bool {
    guard let first = number(line, 1), let count = number(line, 2) else { return false }
    return id >= first && UInt64(id) < UInt64(first) + UInt64(count)
  }

  /// Processes that run under one of the ids, but for plugins of ours.
  private func processes() -> [(id: UInt32, process: String)] {
    ((try? listDirectory("\(root)/proc")) ?? []).compactMap { name in
      guard name.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let status = try? FileStatus(path: "\(root)/proc/\(name)"),
        Self.candidates.contains(status.owner), !isPlugin(name)
      else { return nil }
      return (status.owner, name)
    }
  }

  /// Whether a launcher of this installation watches over the process.
  private func isPlugin(_ process: String) -> Bool {
    guard let launcher,
      let bytes = try? readSmallFile("\(root)/proc/\(process)/stat", limit: 4096),
      let bracket = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return false }
    let fields = bytes[(bracket + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count > 1 else { return false }
    let parent = String(decoding: fields[1], as: UTF8.self)
    return (try? realPath("\(root)/proc/\(parent)/exe")) == launcher
  }
}
