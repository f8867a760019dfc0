@testable import Sandbox
import System

/// The tables of protocol.md §2.5, as the policies have them.
struct ProfileDocument {
  private struct Profile {
    let name: String
    let places: [VisiblePlace]
    let policy: (SandboxGrant, PluginResources) -> SandboxPolicy
  }

  private static let folder = PathRule.path("/folder", .read)
  private let profiles: [Profile] =
    [
      Profile(name: "static", places: []) { .staticPlugin($1, grant: $0) },
      Profile(name: "dynamic", places: VisiblePlace.libraries) { .dynamicPlugin($1, grant: $0) },
    ]
    + InterpreterProfile.all.map { profile in
      Profile(name: profile.name, places: profile.places) {
        .interpretedPlugin(profile, folder: folder, $1, grant: $0)
      }
    }
    + [
      Profile(name: InterpreterProfile.shell.name, places: InterpreterProfile.shell.places) {
        .commandPlugin(CommandPaths(), $1, grant: $0)
      }
    ]

  /// What stands between the marks in protocol.md.
  var text: String {
    [started, places, limits, allowed, answered, directory].map { $0 + "\n" }
      .joined(separator: "\n")
  }

  private let shell = InterpreterProfile.shell

  private var started: String {
    table(
      "profile | interpreter | started as",
      InterpreterProfile.all.map { profile in
        let words = [profile.program] + profile.arguments + ["SCRIPT"]
        return "`\(profile.name)` | `\(profile.program)`, or a version of it such as "
          + "`\(profile.program)\(profile.name == "perl" ? "5.36.0" : ".11")` | "
          + "`\(words.joined(separator: " "))`"
      } + [
        "`\(shell.name)` | `\(shell.program)`, if it is one of "
          + shell.targets.map { "`\($0)`" }.joined(separator: ", ")
          + " | once for each verb, by Sluice's `sluice-plugin-sh`: `\(shell.program) SCRIPT VERB`"
      ])
  }

  private var places: String {
    var rows: [(place: VisiblePlace, profiles: [String])] = []
    for profile in profiles {
      for place in profile.places {
        if let index = rows.firstIndex(where: { $0.place == place }) {
          rows[index].profiles.append(profile.name)
        } else {
          rows.append((place, [profile.name]))
        }
      }
    }
    return table(
      "path | profiles | to | why",
      rows.map { place, profiles in
        "`\(place.path)` | \(list(profiles)) | \(place.rights.words) | \(place.reason)"
      })
  }

  /// How the limits follow from manifest and job, by what they are for different ones.
  private var limits: String {
    func limits(_ name: String, memory: UInt64, threads: UInt64) -> ResourceLimits {
      profiles.first { $0.name == name }!.policy(
        .file, PluginResources(memoryBytes: memory, threads: threads, poolBytes: 0)
      ).limits
    }
    func mebibytes(_ bytes: UInt64?) -> String { "\((bytes ?? 0) >> 20) MiB" }
    let (none, one) = (
      limits("static", memory: 0, threads: 1), limits("static", memory: 0, threads: 2)
    )
    let perThread = (one.dataBytes ?? 0) - (none.dataBytes ?? 0)
    let addresses = (one.addressSpaceBytes ?? 0) - (none.addressSpaceBytes ?? 0) - perThread
    let rest = (none.addressSpaceBytes ?? 0) - perThread - addresses
    let libraries =
      (limits("dynamic", memory: 0, threads: 1).addressSpaceBytes ?? 0)
      - (none.addressSpaceBytes ?? 0)
    return table(
      "limit | value",
      [
        "private memory (RLIMIT_DATA) | `memory` + \(mebibytes(perThread)) for each thread, the "
          + "first included",
        "address space (RLIMIT_AS) | that, the pool, \(mebibytes(addresses)) for each thread, "
          + "\(mebibytes(rest)); for every profile but `static` \(mebibytes(libraries)) more",
        "threads (RLIMIT_NPROC) | \(none.processes ?? 0), or more if `threads` is",
        "descriptors (RLIMIT_NOFILE) | \(none.openFiles)",
        "locked memory, message queues | \(none.lockedBytes ?? 1)",
        "length of a file (RLIMIT_FSIZE) | in read and verify mode that of the scratch file",
      ])
  }

  private var allowed: String {
    "Allowed; of calls with a star, what the purpose needs:\n\n"
      + table("calls | profiles | for", rows(.file) { $0.action == .allow }.grouped)
  }

  private var answered: String {
    "Not carried out, and answered with an error that programs can live with:\n\n"
      + table(
        "calls | answer | profiles | why",
        rows(.file) { $0.action != .allow }.grouped)
  }

  /// What a directory on channel 6 adds. It is the same for all profiles but the last, whose
  /// programs reach it by its name, too.
  private var directory: String {
    let last = profiles.count - 1
    let grants: [(SandboxGrant, String)] = [
      (.readableDirectory, "in read and verify mode"), (.writableDirectory, "in write mode"),
    ]
    let rows = [(0, "all but `\(shell.name)`"), (last, "`\(shell.name)`")].flatMap { index, name in
      let usual = profiles[index].policy(.file, PluginResources()).rules
      return grants.flatMap { grant, mode in
        profiles[index].policy(grant, PluginResources()).rules
          .filter { $0.action == .allow && !usual.contains($0) }
          .map { "`\($0.call)` | \(name) | \(mode) | \($0.reason)" }
      }
    }
    return "If channel 6 is a directory, relative to it or to a directory below\n(with "
      + "`\(shell.name)` also by a path below `\(SandboxPolicy.archiveName)`):\n\n"
      + table("call | profiles | mode | for", rows)
  }

  private func rows(
    _ grant: SandboxGrant, _ isWanted: (SyscallRule) -> Bool
  ) -> CallRows {
    var rows = CallRows(profileCount: profiles.count)
    for profile in profiles {
      for rule in profile.policy(grant, PluginResources()).rules where isWanted(rule) {
        rows.add(rule, profile.name)
      }
    }
    return rows
  }

  private func list(_ names: [String]) -> String {
    names.count == profiles.count ? "all" : names.map { "`\($0)`" }.joined(separator: ", ")
  }

  private func table(_ head: String, _ rows: [String]) -> String {
    let columns = head.split(separator: "|").count
    let line = "|" + String(repeating: "---|", count: columns)
    return (["| \(head) |", line] + rows.map { "| \($0) |" }).joined(separator: "\n")
  }
}

/// Calls with what is done with them, by reason and profiles.
private struct CallRows {
  private struct Entry {
    let call: String
    let answer: String
    let reason: String
    var isNarrow: Bool
    var profiles: [String]
  }

  private let profileCount: Int
  private var entries: [Entry] = []

  init(profileCount: Int) { self.profileCount = profileCount }

  mutating func add(_ rule: SyscallRule, _ profile: String) {
    let answer = rule.action.words
    let index = entries.firstIndex {
      $0.call == rule.call && $0.answer == answer && $0.reason == rule.reason
    }
    guard let index else {
      entries.append(
        Entry(
          call: rule.call, answer: answer, reason: rule.reason, isNarrow: !rule.tests.isEmpty,
          profiles: [profile]))
      return
    }
    if entries[index].profiles.last != profile { entries[index].profiles.append(profile) }
  }

  /// One row for what has one reason.
  var grouped: [String] {
    var rows: [(calls: [String], rest: String)] = []
    for entry in entries {
      let profiles =
        entry.profiles.count == profileCount
        ? "all" : entry.profiles.map { "`\($0)`" }.joined(separator: ", ")
      let rest = [entry.answer, profiles, entry.reason].filter { !$0.isEmpty }
        .joined(separator: " | ")
      let call = "`\(entry.call)`" + (entry.isNarrow ? "*" : "")
      if let index = rows.firstIndex(where: { $0.rest == rest }) {
        rows[index].calls.append(call)
      } else {
        rows.append(([call], rest))
      }
    }
    return rows.map { $0.calls.joined(separator: ", ") + " | " + $0.rest }
  }
}

extension SyscallRule.Action {
  fileprivate var words: String {
    switch self {
    case .allow: ""
    case .answer(errno: 0): "success"
    case .answer(let errno): errnoName(errno)
    }
  }
}

extension PathRights {
  fileprivate var words: String {
    let names: [(PathRights, String)] = [
      (.read, "read"), (.execute, "map as code"), (.write, "write"), (.device, "use as a device"),
      (.map, "map as code"),
    ]
    return names.filter { contains($0.0) }.map(\.1).joined(separator: ", ")
  }
}
